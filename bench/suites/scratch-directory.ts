/** Where a suite puts what has to lie on disk: goes with the suite, or with the process, short of being killed. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ScratchDirectory {
  /** A new, empty directory */
  create(name: string): string;
  remove(): void;
}

/** What a child that is killed would leave in the system's directory, workerd's sockets say, goes with it. */
export function createScratchDirectory(): ScratchDirectory {
  const scratch = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const removeAll = () => rmSync(scratch, { recursive: true, force: true });
  process.once("exit", removeAll);
  const { TMPDIR: tmpdirBefore } = process.env;
  process.env.TMPDIR = scratch;
  return {
    create(name) {
      const path = join(scratch, name);
      mkdirSync(path);
      return path;
    },
    remove() {
      if (tmpdirBefore === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = tmpdirBefore;
      removeAll();
      process.off("exit", removeAll);
    },
  };
}
