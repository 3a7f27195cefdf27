/** Memory of a process, from Linux' /proc. */
import { readFileSync } from "node:fs";

const KIBIBYTES_PER_MEBIBYTE = 1024;

/** Resident set in MiB, as it is now. Undefined where there is no /proc. */
export function readResidentMebibytes(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s*([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) / KIBIBYTES_PER_MEBIBYTE;
  } catch {
    return undefined;
  }
}
