/** Milliseconds of a clock that never jumps and that all processes of this machine share (CLOCK_MONOTONIC). */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}
