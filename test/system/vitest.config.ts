import { defineProject } from "vitest/config";

/** The program as a user starts it: real processes, real `wrangler dev`, curl and openssl. */
export default defineProject({
  test: {
    name: "system",
    environment: "node",
    include: ["**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
