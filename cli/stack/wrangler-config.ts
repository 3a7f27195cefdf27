/**
 * Wrangler's configuration and variables for a project: its own `wrangler.toml`, or for a project that has none (one that comes
 * from Zuplo, say) a generated one in the state directory.
 */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { findModule } from "../../edge-shim/module-path.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

const CONFIG_NAMES = ["wrangler.toml", "wrangler.json", "wrangler.jsonc"];
/** Of the generated configuration; a project with its own chooses its own. */
export const COMPATIBILITY_DATE = "2026-10-01";

/**
 * The files of a project that have variables for development: wrangler reads them by itself, but no longer when it is
 * given others. As there, `.dev.vars` stands for all.
 */
export function findVariableFiles(projectDir: string): string[] {
  const existing = (names: readonly string[]) => names.map((name) => join(projectDir, name)).filter(existsSync);
  const devVars = existing([".dev.vars"]);
  return devVars.length > 0 ? devVars : existing([".env", ".env.local"]);
}

const CLI = findModule("../main.ts", import.meta.url);
const RUNTIME = findModule("../../src/runtime/index.ts", import.meta.url);

/** The path of the project's own configuration file; undefined where it has none. */
export function findWranglerConfig(projectDir: string): string | undefined {
  return CONFIG_NAMES.map((name) => join(projectDir, name)).find((path) => existsSync(path));
}

/** The path of the configuration file to give to wrangler. */
export function ensureWranglerConfig(projectDir: string, state: Pick<StateDirectory, "path">): string {
  const own = findWranglerConfig(projectDir);
  if (own !== undefined) return own;
  const generated = join(state.path, "wrangler.json");
  const inProject = (path: string) => relative(state.path, join(projectDir, path));
  const config = {
    name: "sallyport-project",
    main: inProject(".build/worker.ts"),
    compatibility_date: COMPATIBILITY_DATE,
    send_metrics: false,
    alias: { "@zuplo/runtime": RUNTIME, "@sallyport/runtime": RUNTIME },
    build: {
      command: [process.execPath, CLI, "build", "--project-dir", projectDir].map((part) => `"${part}"`).join(" "),
      watch_dir: [inProject("config"), inProject("modules")],
    },
  };
  writePrivate(generated, `${JSON.stringify(config, null, 2)}\n`);
  return generated;
}
