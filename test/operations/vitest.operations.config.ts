import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { MAX_WORKERS } from "../node-project.ts";

/**
 * What an operator of several processes and machines relies on: `npm run test:operations`. Named so that the root configuration
 * does not find it: each file starts a dozen processes, and `npm test` has five minutes.
 */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    name: "operations",
    environment: "node",
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: MAX_WORKERS,
  },
});
