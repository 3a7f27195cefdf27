import { defineConfig } from "vitest/config";

/** One project a runtime. `npm test` runs them all; `npx vitest run --project edge` runs one. */
export default defineConfig({
  test: {
    // `npm run test:interop` runs the others, which take longer or need Debian's packages.
    projects: ["test/*/vitest.config.ts"],
    // Most of it waits for other processes: three workers keep two processors busy.
    maxWorkers: 3,
  },
});
