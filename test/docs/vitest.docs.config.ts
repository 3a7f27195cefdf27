import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * What the pages of docs/ tell a reader to type, typed. Named so that the root configuration does not find it: npm installs
 * several times, and whole gateways start and end.
 */
export default defineConfig({
  root: fileURLToPath(new URL("../../", import.meta.url)),
  test: {
    name: "docs",
    environment: "node",
    include: ["test/docs/*.test.ts"],
    globalSetup: [fileURLToPath(new URL("./global-setup.ts", import.meta.url))],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // Pages use the ports that they name. Where there are network namespaces they could run side by side, on more cores.
    maxWorkers: 1,
  },
});
