/** Files that a crash never leaves half written: the whole text under another name, then a rename. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** @throws the system's error; nothing is left behind then, and the old file stays */
export function writeWhole(path: string, text: string, mode: number): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw cause;
  }
}

/**
 * {@link writeWhole}, without holding up anything else that this process does.
 *
 * @param parts one after the other
 */
export async function writeWholeBeside(path: string, parts: readonly Uint8Array[], mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      const { bytesWritten } = await file.writev(parts);
      const bytes = parts.reduce((total, part) => total + part.byteLength, 0);
      if (bytesWritten !== bytes) throw new Error(`"${temporary}" took ${bytesWritten} of ${bytes} bytes`);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}

/** Removes what processes left that were killed while they wrote `path`: it would add up until the disk is full. */
export function removeLeftovers(path: string): void {
  const folder = dirname(path);
  try {
    for (const name of readdirSync(folder)) {
      if (name.startsWith(`${basename(path)}.`) && name.endsWith(".tmp")) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // Where nothing can be read or removed, the first write says why.
  }
}

/** Undefined when there is no such file. @throws the system's error for any other reason */
export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}
