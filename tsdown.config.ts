/**
 * The npm package: what is TypeScript here is JavaScript in `dist/`, module for module and in the same folders, so that a
 * path from one module to another (edge-shim/module-path.ts) is the same in both.
 */
import { defineConfig, type UserConfig } from "tsdown";

/** What user code imports by a name of package.json. */
const PUBLIC_IN_WORKERS = ["src/runtime/index.ts", "testing/worker/index.ts"];
const PUBLIC_IN_NODE = ["testing/config/index.ts", "testing/node/index.ts"];

/** What is named by a path instead: the command, processes that it forks, and workers that are bundled later. */
const NAMED = [
  "cli/main.ts",
  "cli/control/control-process.ts",
  "edge-shim/processes/edge-process.ts",
  "edge-shim/workers/miniflare-process.ts",
  "edge-shim/workers/process-group-guard.ts",
  "src/worker.ts",
  "testing/worker/setup.ts",
  "src/control/worker.ts",
];

const shared = {
  root: ".",
  outDir: "dist",
  unbundle: true,
  // A module is what it was: nothing is left out of it because the others have no use for it.
  treeshake: false,
  // Node 24.21 and workerd run what is written here as it is.
  target: false,
  fixedExtension: false,
  // With "node" the bundler's own module would import one of Node's, also in the workers.
  platform: "neutral",
  hash: false,
  deps: { skipNodeModulesBundle: true, neverBundle: [/^(?:cloudflare|node):/] },
  report: false,
  checks: { pluginTimings: false },
} satisfies UserConfig;

const declarations = { ...shared, clean: false, dts: { emitDtsOnly: true } } satisfies UserConfig;

export default defineConfig([
  {
    ...shared,
    entry: [...PUBLIC_IN_WORKERS, ...PUBLIC_IN_NODE, ...NAMED],
    dts: false,
    copy: [
      { from: "src/control/migrations/*.sql", to: "dist/src/control/migrations" },
      { from: "cli/init/template", to: "dist/cli/init" },
    ],
  },
  { ...declarations, entry: PUBLIC_IN_WORKERS, tsconfig: "tsconfig.worker.json" },
  { ...declarations, entry: PUBLIC_IN_NODE, tsconfig: "tsconfig.node.json" },
]);
