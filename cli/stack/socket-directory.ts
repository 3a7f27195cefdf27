import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For unix sockets, in the system's temporary folder, since the path of one has to be short; nobody else may enter it. */
export function createSocketDirectory(): string {
  return mkdtempSync(join(tmpdir(), "sallyport-"));
}
