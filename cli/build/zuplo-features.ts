/** Parts of a Zuplo project that are no routes, policies or modules, and that mean nothing here: each is told once. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type BuildLog, type Place, warn } from "./problem.ts";

interface ZuploFeature {
  /** Relative to the project; the first that is there stands for the feature */
  files: readonly string[];
  message: string;
  hint?: string;
}

const FEATURES: readonly ZuploFeature[] = [
  {
    files: ["zuplo.jsonc", "zuplo.json"],
    message: "is not read by sallyport",
    hint: "the compatibility date and bindings of the worker are in wrangler.toml",
  },
  {
    files: ["docs/zudoku.config.ts", "docs/zudoku.config.tsx", "config/dev-portal.json"],
    message: "the developer portal is not supported by sallyport",
  },
];
const EXTENSION_PREFIX = "x-zuplo-";

export async function warnOfZuploFeatures(projectDir: string, log: BuildLog): Promise<void> {
  for (const { files, message, hint } of FEATURES) {
    const found = await Promise.all(files.map((file) => isFile(join(projectDir, file))));
    const file = files[found.indexOf(true)];
    if (file !== undefined) warn({ file, path: [], log }, message, hint);
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Extensions of Zuplo's in an OpenAPI document, other than the one that is read at this place. */
export function warnOfZuploExtensions(value: object, known: string | undefined, place: Place): void {
  for (const key of Object.keys(value)) {
    if (!key.startsWith(EXTENSION_PREFIX) || key === known) continue;
    const allowed = known === undefined ? "none here" : known;
    warn(place, `"${key}" is not supported by sallyport and means nothing, supported: ${allowed}`);
  }
}
