/** A file system of its own that is soon full: a tmpfs, which only root may mount. */
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Leaves no more than `bytes`, whatever else writes meanwhile. */
  fill(bytes?: number): void;
  /** Undoes {@link fill}. */
  free(): void;
}

/** Who is not root is not expected to be able to; for root it is an error. */
export const CAN_MOUNT = process.getuid?.() === 0;

const PAGE_BYTES = 4_096;

/** @throws Error when mounting fails */
export function mountSmallDisk(mebibytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "sallyport-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "tmpfs", path], { stdio: "pipe" });
  } catch (cause) {
    rmdirSync(path);
    throw new Error(`a tmpfs cannot be mounted, not even as root: ${(cause as Error).message}`, { cause });
  }
  const unmount = () => execFileSync("umount", ["--lazy", path], { stdio: "pipe" });
  process.once("exit", unmount);
  const filler = join(path, "filler");
  return {
    path,
    fill(bytes = 0) {
      const file = openSync(filler, "w", 0o600);
      const size = fillUp(file);
      if (bytes > 0) ftruncateSync(file, Math.max(0, size - bytes));
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      process.off("exit", unmount);
      unmount();
      rmdirSync(path);
    },
  };
}

/** Writes until there is no more room. @returns bytes */
function fillUp(file: number): number {
  let size = 0;
  for (const chunk of [Buffer.alloc(PAGE_BYTES * 16), Buffer.alloc(PAGE_BYTES)]) {
    try {
      for (;;) size += writeSync(file, chunk);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
    }
  }
  return size;
}
