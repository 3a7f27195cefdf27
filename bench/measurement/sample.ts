/** One measurement of one contender in one round. */
export interface Sample {
  /** Requests or handshakes that ended within {@link seconds} */
  operations: number;
  seconds: number;
  /** CPU time of each watched process in that time, in microseconds for one operation */
  cpuMicroseconds: Record<string, number>;
  /** CPU time that went to none of the watched processes, 1 being one processor: what disturbed the measurement */
  othersProcessors?: number;
  latencyMs?: { p50: number; p99: number };
}
