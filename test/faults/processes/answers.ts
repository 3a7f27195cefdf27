/** What worker-process.ts answers. */

/** Answered with some 32 MiB, in two minutes or as slowly as somebody takes them */
export const LARGE_PATH = "/large";
/** Its value comes back in the answer: an answer with another one was meant for another request. */
export const MARK_HEADER = "x-mark";

/** On every other path, as JSON */
export interface VerdictAnswer {
  /** `SUCCESS`, `NONE`, `FAILED:<reason>`, or that no assertion came */
  verdict: string;
  /** `CN=…` of the client certificate */
  subject?: string;
  mark?: string | null;
}
