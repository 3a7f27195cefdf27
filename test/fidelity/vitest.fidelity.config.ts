import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import TableReporter from "./table-reporter.ts";

/** The same project on every host: `npm run test:fidelity`. Named so that the root configuration's glob does not find it. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    name: "fidelity",
    environment: "node",
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    reporters: ["default", new TableReporter()],
  },
});
