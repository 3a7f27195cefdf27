/**
 * The worker that every contender stands in front of: a small JSON answer and nothing else, under Miniflare with a
 * direct socket, so that requests go to workerd without Miniflare's entry worker in between.
 */
import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { runAsChild } from "./run-as-child.ts";
import { ASSERTION_PATH, SMALL_JSON, VERDICT_PATH } from "./worker-answers.ts";

export interface TrivialWorker {
  /** `http://127.0.0.1:port` */
  url: string;
  /** Process id of workerd; undefined where the system does not tell */
  workerdPid: number | undefined;
}

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

function createWorker(): Miniflare {
  return new Miniflare({
    cf: false,
    workers: [
      {
        config: {
          name: "trivial",
          compatibilityDate: "2026-10-01",
          manifest: {
            mainModule: "trivial.mjs",
            modulesRoot: "/",
            modules: { "trivial.mjs": { type: "esm", contents: SCRIPT } },
          },
        },
        dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
      },
    ],
  });
}

/** Miniflare starts one process, workerd. */
function findWorkerd(): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ");
    return Number(first) || undefined;
  } catch {
    return undefined;
  }
}

runAsChild<object, TrivialWorker>(async () => {
  const miniflare = createWorker();
  const url = await miniflare.unsafeGetDirectURL("trivial");
  return { output: { url: url.origin, workerdPid: findWorkerd() }, close: () => miniflare.dispose() };
});
