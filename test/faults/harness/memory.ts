/** Memory of the edge's process, from Linux' /proc: what is resident, and the most that ever was since it was last asked. */
import { readFileSync, writeFileSync } from "node:fs";

const KIBIBYTES_PER_MEBIBYTE = 1024;

export interface ResidentMemory {
  nowMebibytes: number;
  /** Since {@link forgetPeak} */
  peakMebibytes: number;
}

/** proc_pid_status(5) */
export function readResident(pid: number): ResidentMemory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) =>
    Number(new RegExp(`^${name}:\\s*([0-9]+) kB$`, "m").exec(status)?.[1]) / KIBIBYTES_PER_MEBIBYTE;
  return { nowMebibytes: read("VmRSS"), peakMebibytes: read("VmHWM") };
}

/** proc_pid_clear_refs(5), 5: the peak becomes what is resident now. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
