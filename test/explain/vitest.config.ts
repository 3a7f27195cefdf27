import { defineProject } from "vitest/config";

export default defineProject({
  // RSA keys, processes, and a two-core machine that others use as well
  test: {
    name: "explain",
    environment: "node",
    include: ["**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of the time is spent waiting for commands; no test changes what another one sees.
    sequence: { concurrent: true },
  },
});
