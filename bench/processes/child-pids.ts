/** Processes that a process started, from Linux' /proc: their CPU time is to be read as well. */
import { readFileSync } from "node:fs";

/** Empty where the system does not tell. */
export function readChildPids(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
