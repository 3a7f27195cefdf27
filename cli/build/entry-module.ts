/** The generated entry module: the one file that wrangler bundles, with every import static. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { findModule } from "../../edge-shim/module-path.ts";
import type { ProjectDefinition } from "../../src/contract/project.ts";
import type { BuiltModule } from "./user-modules.ts";

const BUILD_ID_CHARACTERS = 12;
const WORKER_MODULE = findModule("../../src/worker.ts", import.meta.url);

/** Changes with the definition and with the code of the modules, and with nothing else: not with place or time. */
export function computeBuildId(
  definition: Omit<ProjectDefinition, "buildId">,
  modules: readonly BuiltModule[],
): string {
  const content = JSON.stringify([definition, modules.map(({ module, code }) => [module, code])]);
  return createHash("sha256").update(content).digest("hex").slice(0, BUILD_ID_CHARACTERS);
}

/** Writes the entry to `outFile`, unless it stands there already: wrangler would take a new file for a change. */
export async function writeEntryModule(
  outFile: string,
  definition: ProjectDefinition,
  modules: readonly BuiltModule[],
): Promise<void> {
  await mkdir(dirname(outFile), { recursive: true });
  // Imports are resolved from where the file really is, which a link in the path would hide
  const folder = await realpath(dirname(outFile));
  const file = join(folder, basename(outFile));
  const text = printEntryModule(folder, definition, modules);
  if ((await readFile(file, "utf8").catch(() => undefined)) !== text) await replaceFile(file, text);
}

function printEntryModule(folder: string, definition: ProjectDefinition, modules: readonly BuiltModule[]): string {
  const imports = modules.map(({ file }, index) => `import * as m${index} from ${printImport(folder, file)};\n`);
  const entries = modules.map(({ module }, index) => `  ${JSON.stringify(module)}: m${index},\n`);
  return `// Written by "sallyport build": changes are lost with the next build
import { createWorker } from ${printImport(folder, WORKER_MODULE)};
${imports.join("")}
export default createWorker(${JSON.stringify(definition, undefined, 2)}, {
${entries.join("")}});
`;
}

function printImport(folder: string, file: string): string {
  const path = relative(folder, file).split(sep).join("/");
  return JSON.stringify(path.startsWith("../") ? path : `./${path}`);
}

/** A reader sees the old file or the new one, also when two builds run at once or one is killed. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await using handle = await open(temporary, "wx");
    await handle.writeFile(text);
    await handle.sync();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
