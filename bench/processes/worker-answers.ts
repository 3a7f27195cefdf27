/** What the worker of trivial-worker.ts answers, by path. */

/** What it answers on every path but those below. */
export const SMALL_JSON = JSON.stringify({ message: "hello", items: [1, 2, 3] });
/** Answers with {@link LARGE_TEXT}. */
export const LARGE_PATH = "/large";
export const LARGE_TEXT = "x".repeat(64 * 1024);
/** Answers with the edge's assertion, so that a suite can see that the edge verified the client. */
export const ASSERTION_PATH = "/assertion";
/**
 * Answers with what the assertion says about the client certificate: `SUCCESS`, `NONE`, `FAILED:<reason>`. Without one,
 * with {@link CLIENT_VERIFY_HEADER}.
 */
export const VERDICT_PATH = "/verdict";
/** How contenders other than the edge say what they think of the client certificate: `SUCCESS` as nginx calls it. */
export const CLIENT_VERIFY_HEADER = "X-Client-Verify";
export const CLIENT_SUBJECT_HEADER = "X-Client-Subject";
/** On which origin-process.ts answers with TLS version, verdict and subject: `TLSv1.3 SUCCESS CN=…`. */
export const CLIENT_PATH = "/client";
