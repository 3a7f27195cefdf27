import { defineProject } from "vitest/config";

export default defineProject({
  // RSA keys and a two-core machine that others use as well
  test: { name: "egress", environment: "node", include: ["**/*.test.ts"], testTimeout: 30_000, hookTimeout: 30_000 },
});
