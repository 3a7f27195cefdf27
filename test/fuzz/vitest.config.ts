import { defineProject } from "vitest/config";
import { RUNS_FACTOR } from "./global-setup.ts";

export default defineProject({
  test: {
    name: "fuzz",
    environment: "node",
    include: ["**/*.test.ts"],
    globalSetup: ["global-setup.ts"],
    // Far above what the usual number of runs takes: ends what no longer ends.
    testTimeout: 120_000 * RUNS_FACTOR,
    hookTimeout: 60_000,
  },
});
