import { defineProject } from "vitest/config";

/** The catalogue of failures that broke others (README.md): attacks through real sockets against a running stack. */
export default defineProject({
  test: {
    name: "security",
    environment: "node",
    include: ["**/*.test.ts"],
    globalSetup: ["./global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
