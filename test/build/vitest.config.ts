import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "build",
    environment: "node",
    include: ["**/*.test.ts"],
    // Some tests start the command itself, which takes its time on a busy machine
    testTimeout: 30_000,
  },
});
