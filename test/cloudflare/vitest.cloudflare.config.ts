import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * `sallyport deploy cloudflare` with the real wrangler: `npm run test:cloudflare`. Named so that the root configuration's
 * glob does not find it: wrangler starts a hundred times, which takes a minute.
 */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    name: "cloudflare",
    environment: "node",
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
