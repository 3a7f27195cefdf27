/** One event for each request to an origin: where to, with which certificate, and why none came back. Never a header value. */
import type { Logger } from "pino";
import type { EgressFailure } from "./failure.ts";

export interface EgressRecord {
  /** Of the request that the worker was serving, as in the ingress's log; absent where the worker did not say */
  requestId?: string;
  /** Absent where nothing is traced */
  traceId?: string;
  method: string;
  /** `account/project` */
  project: string;
  /** `https://host:port`; empty when the target was refused */
  origin: string;
  /** As the worker named it */
  certificate: string;
  /** Of the certificate that was presented; absent when there was none to present */
  certificateVersion?: string;
  status: number;
  durationMs: number;
  /** The worker left before the end of the answer, or was cut off because the origin broke off its own */
  incomplete?: true;
  /** Why the egress ended a WebSocket */
  cutReason?: string;
  failure?: EgressFailure;
}

export interface EgressLog {
  request(record: EgressRecord): void;
  /** Without a valid token. Counted and not written: strangers could fill the log. */
  strangerRefused(): void;
}

export function createEgressLog(logger: Logger): EgressLog {
  return {
    strangerRefused: () => {},
    request({ failure, durationMs, ...record }) {
      const fields = { event: "egress", ...record, durationMs: Math.round(durationMs * 1_000) / 1_000 };
      const { method, origin, status } = record;
      if (failure === undefined) logger.info(fields, `${method} ${origin} ${status}`);
      else logger.warn({ ...fields, ...failure }, `${method} ${origin} failed: ${failure.reason}`);
    },
  };
}
