/** What the worker of worker-process.ts answers, by path. */

/** What it answers on every path but the two below. */
export const SMALL_JSON = JSON.stringify({ message: "hello", items: [1, 2, 3] });
/** Answers with the edge's assertion, so that a suite can see that the edge verified the client. */
export const ASSERTION_PATH = "/assertion";
/** Answers with what the assertion says about the client certificate: `SUCCESS`, `NONE`, `FAILED:<reason>`. */
export const VERDICT_PATH = "/verdict";
/** On which origin-process.ts answers with TLS version, verdict and subject: `TLSv1.3 SUCCESS CN=…`. */
export const CLIENT_PATH = "/client";
