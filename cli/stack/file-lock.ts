/**
 * A lock that ends with the process that holds it, however that ends: the operating system's, by way of SQLite, as the
 * control plane's database has one too (cli/control-backup/database-file.ts). No pid is written or believed, so a note of
 * a dead process stops nobody, a number that was given out again neither, and containers that share a volume see each
 * other. The file stays, empty.
 */
import { chownSync, closeSync, existsSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CliError } from "../output.ts";

const PRIVATE_MODE = 0o600;
/** SQLite's primary result code, in the low byte */
const SQLITE_BUSY = 5;
const CODE_MASK = 0xff;

/** Undefined when another process, or another lock of this one, has it. @throws CliError when there can be no lock */
export function lockFile(path: string): Disposable | undefined {
  try {
    // Never again while it is there: POSIX ends a process's locks with the first file that it closes.
    if (!existsSync(path)) createEmpty(path);
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (cause) {
      database.close();
      throw cause;
    }
    return { [Symbol.dispose]: () => database.close() };
  } catch (cause) {
    if ((((cause as { errcode?: number }).errcode ?? 0) & CODE_MASK) === SQLITE_BUSY) return undefined;
    throw new CliError(
      `"${path}" cannot be locked: ${(cause as Error).message}`,
      "it has to be yours, or to be deleted",
    );
  }
}

/** Root makes it for whoever the directory belongs to. */
function createEmpty(path: string): void {
  closeSync(openSync(path, "a", PRIVATE_MODE));
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  chownSync(path, uid, gid);
}
