/** The worker of these tests: answers with what the edge's assertion says, and with what shows whose answer it is. */
import { type DirectWorker, startDirectWorker } from "../../../bench/processes/direct-worker.ts";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { EDGE_ASSERTION_HEADER } from "../../../src/contract/headers.ts";
import { LARGE_PATH, MARK_HEADER } from "./answers.ts";

const CHUNK_BYTES = 64 * 1024;
const LARGE_CHUNKS = 512;
/** Some 300 KB/s: many long answers at once are to be slow ones, not a measurement of throughput */
const CHUNK_PAUSE_MS = 200;
/** Makes an answer longer than what a proxy lets through before it cuts it */
const PADDING_CHARACTERS = 8 * 1024;

const SCRIPT = `
const chunk = new Uint8Array(${CHUNK_BYTES}).fill(120);
const padding = "x".repeat(${PADDING_CHARACTERS});

function large() {
  let left = ${LARGE_CHUNKS};
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      await scheduler.wait(${CHUNK_PAUSE_MS});
      controller.enqueue(chunk.slice());
      if (--left === 0) controller.close();
    },
  });
}

export default {
  async fetch(request) {
    if (request.url.endsWith("${LARGE_PATH}")) return new Response(large());
    if (request.body !== null) await request.text();
    const assertion = request.headers.get("${EDGE_ASSERTION_HEADER}");
    if (assertion === null) return Response.json({ verdict: "no assertion" });
    const { tlsClientAuth } = JSON.parse(atob(assertion.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    const { certVerified: verdict, certSubjectDN: subject } = tlsClientAuth;
    const mark = request.headers.get("${MARK_HEADER}");
    const text = JSON.stringify({ verdict, subject, mark, padding });
    // Every second one in chunks: nobody but the end of the last chunk says that such an answer is whole.
    return new Response(/[02468]$/.test(mark ?? "") ? new Blob([text]).stream() : text);
  },
};`;

runAsChild<object, DirectWorker>(() => startDirectWorker({ name: "verdict", script: SCRIPT }));
