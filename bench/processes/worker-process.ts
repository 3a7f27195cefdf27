/** The worker that every contender stands in front of: a small JSON answer and nothing else. */
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { type DirectWorker, startDirectWorker } from "./direct-worker.ts";
import { runAsChild } from "./run-as-child.ts";
import { ASSERTION_PATH, SMALL_JSON, VERDICT_PATH } from "./worker-answers.ts";

export type TrivialWorker = DirectWorker;

const SCRIPT = `
const headers = { "content-type": "application/json" };
export default {
  fetch(request) {
    const assertion = request.headers.get("${EDGE_ASSERTION_HEADER}");
    if (request.url.endsWith("${ASSERTION_PATH}")) return new Response(assertion);
    if (!request.url.endsWith("${VERDICT_PATH}")) return new Response('${SMALL_JSON}', { headers });
    const payload = atob(assertion.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return new Response(JSON.parse(payload).tlsClientAuth.certVerified);
  },
};`;

runAsChild<object, TrivialWorker>(() => startDirectWorker({ name: "trivial", script: SCRIPT }));
