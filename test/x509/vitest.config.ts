import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "x509",
    environment: "node",
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    testTimeout: 30_000,
  },
});
