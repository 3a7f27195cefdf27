import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * The npm package, as somebody gets it who has never seen this repository: `npm run test:package`. Named so that the root
 * configuration does not find it: npm installs twice, which takes a minute.
 */
export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: {
    name: "package",
    environment: "node",
    include: ["test/package/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
});
