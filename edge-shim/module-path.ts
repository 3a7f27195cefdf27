/**
 * Where a module of ours lies that is not imported but named: forked, bundled, or written into another file. From source
 * it is TypeScript, and in the package JavaScript, since Node strips no types under `node_modules`; the folders are the same.
 */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** The absolute path. @param from `import.meta.url` of the module that asks @example findModule("./edge-process.ts", import.meta.url) */
export function findModule(specifier: `${string}.ts`, from: string): string {
  return fileURLToPath(new URL(specifier.replace(/\.ts$/, extname(from)), from));
}
