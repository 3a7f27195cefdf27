import { defineConfig } from "vitest/config";
import { MAX_WORKERS } from "./test/node-project.ts";

/** One project a runtime. `npm test` runs them all; `npx vitest run --project edge` runs one. */
export default defineConfig({
  test: {
    // `npm run test:interop` runs the others, which take longer or need Debian's packages.
    projects: ["test/*/vitest.config.ts"],
    maxWorkers: MAX_WORKERS,
  },
});
