import { defineProject } from "vitest/config";

export default defineProject({
  // starts curl and openssl, on a machine that others use as well
  test: { name: "alb", environment: "node", include: ["**/*.test.ts"], testTimeout: 30_000, hookTimeout: 30_000 },
});
