import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const runtime = fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url));

/** The gateway worker in workerd. Tests make their own workers; `main` is the one that is reached from outside. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      main: fileURLToPath(new URL("./example-worker.ts", import.meta.url)),
      miniflare: {
        compatibilityDate: "2026-10-01",
        bindings: {
          SALLYPORT_ENVIRONMENT: "development",
          GREETING: "from a variable",
          NOT_A_STRING: { object: true },
        },
      },
    }),
  ],
  resolve: { alias: { "@zuplo/runtime": runtime, "@sallyport/runtime": runtime } },
  test: { name: "worker", include: [fileURLToPath(new URL("./**/*.test.ts", import.meta.url))] },
});
