/** Errors that user code may throw or catch. The gateway answers each with 500, or as its code says, and logs it. */
import type { EgressFailureCode } from "../contract/egress.ts";

/** Something went wrong while a request was served. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** The project or its variables are wrong: whoever sent the request can do nothing about it. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}

/** What is known about a request for which no HTTP response came from the origin. */
export interface OriginFailure {
  code: EgressFailureCode;
  /** What went wrong, in words an operator can search for */
  reason: string;
  /** What to do about it */
  hint: string;
  cause?: unknown;
}

/**
 * No HTTP response came from an origin: user code that does not catch it answers with the problem of its code, 522 or
 * 500.
 *
 * @example if (error instanceof OriginError && error.code === "origin_timeout") return new Response("later");
 */
export class OriginError extends RuntimeError {
  override name = "OriginError";
  readonly code: EgressFailureCode;
  readonly reason: string;
  readonly hint: string;

  constructor({ code, reason, hint, cause }: OriginFailure) {
    super(`${code}: ${reason}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
    this.hint = hint;
  }
}
