import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { TableReporter } from "./table-reporter.ts";

/**
 * Faults survived, with numbers: `npm run test:faults`. No project of the root configuration, and named so that its glob
 * does not find it: minutes of load are not what `npm test` is for, and two files at once would disturb each other.
 */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    name: "faults",
    environment: "node",
    include: ["*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 60_000,
    reporters: ["default", new TableReporter()],
  },
});
