/** CPU time of processes and of the whole machine, from Linux' /proc. */
import { readFileSync } from "node:fs";

/** USER_HZ, which is 100 on every architecture that Node runs on: so the times here have a resolution of 10 ms. */
const MICROSECONDS_PER_TICK = 10_000;
/** Positions after the command's name, which may itself hold spaces and parentheses (proc_pid_stat(5), 14 and 15). */
const UTIME = 11;
const STIME = 12;

/** User and system time of all threads of a process, in microseconds. Undefined where there is no /proc. */
export function readCpuMicroseconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[UTIME]) + Number(fields[STIME])) * MICROSECONDS_PER_TICK;
  } catch {
    return undefined;
  }
}

/** Time that all processors together were at work, in microseconds. Undefined where there is no /proc. */
export function readMachineCpuMicroseconds(): number | undefined {
  try {
    const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.trim().split(/\s+/).map(Number) ?? [];
    const [user = 0, nice = 0, system = 0, _idle, _iowait, irq = 0, softirq = 0] = ticks;
    return (user + nice + system + irq + softirq) * MICROSECONDS_PER_TICK;
  } catch {
    return undefined;
  }
}
