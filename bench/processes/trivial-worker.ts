/** The script of the worker that every contender stands in front of: an answer and nothing else. */
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import {
  ASSERTION_PATH,
  CLIENT_VERIFY_HEADER,
  LARGE_PATH,
  LARGE_TEXT,
  SMALL_JSON,
  VERDICT_PATH,
} from "./worker-answers.ts";

/** An ES module */
export const TRIVIAL_WORKER = `
const headers = { "content-type": "application/json" };
const large = "${LARGE_TEXT.slice(0, 1)}".repeat(${LARGE_TEXT.length});
export default {
  fetch(request) {
    if (request.url.endsWith("${LARGE_PATH}")) return new Response(large);
    const assertion = request.headers.get("${EDGE_ASSERTION_HEADER}");
    if (request.url.endsWith("${ASSERTION_PATH}")) return new Response(assertion);
    if (!request.url.endsWith("${VERDICT_PATH}")) return new Response('${SMALL_JSON}', { headers });
    if (assertion === null) return new Response(request.headers.get("${CLIENT_VERIFY_HEADER}") ?? "NONE");
    const payload = atob(assertion.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return new Response(JSON.parse(payload).tlsClientAuth.certVerified);
  },
};`;
