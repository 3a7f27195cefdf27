/** Where a new project has its Sallyport from: from where this one came, be it a registry or a file. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { VERSION } from "../version.ts";

const FILE_PREFIX = "file:";
/** npm's note of what it installed; `resolved` of a packed file is relative to the project */
const installedSchema = z.object({
  packages: z.record(z.string(), z.object({ resolved: z.string().optional() })),
});

/** For `dependencies` of a `package.json` in `directory`. */
export function findPackageSource(directory: string): string {
  const root = dirname(createRequire(import.meta.url).resolve("sallyport/package.json"));
  const file = findInstalledFile(root);
  return file === undefined ? VERSION : toPackageSpec(file, directory);
}

/** A path as npm wants to see it; everything else as it is. */
export function toPackageSpec(spec: string, directory: string): string {
  const path = spec.startsWith(FILE_PREFIX) ? spec.slice(FILE_PREFIX.length) : spec;
  return existsSync(path) ? `${FILE_PREFIX}${relative(directory, resolve(path))}` : spec;
}

/** The absolute path of the packed file that the package in `root` was installed from, if it was and still is there. */
function findInstalledFile(root: string): string | undefined {
  const folder = dirname(root);
  try {
    const note = installedSchema.parse(JSON.parse(readFileSync(join(folder, ".package-lock.json"), "utf8")));
    const resolved = note.packages["node_modules/sallyport"]?.resolved;
    if (!resolved?.startsWith(FILE_PREFIX)) return undefined;
    return resolve(dirname(folder), resolved.slice(FILE_PREFIX.length));
  } catch {
    return undefined;
  }
}
