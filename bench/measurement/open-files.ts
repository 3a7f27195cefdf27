/** How many files a process may have open, from Linux' /proc. */
import { readFileSync } from "node:fs";

/** The hard limit, up to which Node and servers raise their own. Infinity where the system does not tell. */
export function readOpenFilesLimit(): number {
  try {
    const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
