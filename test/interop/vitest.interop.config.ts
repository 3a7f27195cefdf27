import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * The egress against servers that nobody here wrote, and chains judged by several judges: `npm run test:interop`. No project of the root configuration, and
 * named so that its glob does not find it: `npm test` needs nothing but npm, curl and openssl.
 */
export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: {
    name: "interop",
    environment: "node",
    include: ["test/interop/*.test.ts"],
    globalSetup: [fileURLToPath(new URL("./global-setup.ts", import.meta.url))],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    maxWorkers: "100%",
  },
});
