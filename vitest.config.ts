import { defineConfig } from "vitest/config";

/** One project a runtime. `npm test` runs them all; `npx vitest run --project edge` runs one. */
export default defineConfig({
  test: {
    projects: ["test/*/vitest.config.ts"],
    // Most of it waits for other processes: one worker a processor, where vitest would leave one processor idle.
    maxWorkers: "100%",
  },
});
