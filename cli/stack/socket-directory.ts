import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CliError } from "../output.ts";

/** What the address of a unix socket has room for on macOS; Linux has four more (unix(7), `sun_path`) */
const SOCKET_PATH_MAX_BYTES = 103;
/** Room for the names of sockets in it */
const NAME_MAX_BYTES = 10;

/**
 * For unix sockets, in the system's temporary folder, since the path of one has to be short; nobody else may enter it.
 *
 * @throws CliError where it is too long all the same
 */
export function createSocketDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "sallyport-"));
  if (Buffer.byteLength(path) + NAME_MAX_BYTES <= SOCKET_PATH_MAX_BYTES) return path;
  rmdirSync(path);
  throw new CliError(`"${tmpdir()}" is too long a path for unix sockets`, "set TMPDIR to a folder with a shorter one");
}
