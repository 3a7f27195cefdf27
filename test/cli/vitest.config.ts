import { defineProject } from "vitest/config";

export default defineProject({
  // Every test starts the command itself, which takes its time on a busy machine
  test: { name: "cli", environment: "node", include: ["**/*.test.ts"], testTimeout: 60_000, hookTimeout: 90_000 },
});
