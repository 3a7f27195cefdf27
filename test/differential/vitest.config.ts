import { defineProject } from "vitest/config";

export default defineProject({
  // RSA keys, a process for each chain, and a two-core machine that others use as well
  test: {
    name: "differential",
    environment: "node",
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
