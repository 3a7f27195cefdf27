/** The id by which a line of the egress's log is found beside those of ingress and worker. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EGRESS_REQUEST_ID_HEADER } from "../../src/contract/egress.ts";
import { readAnswer, startTestEgress } from "./harness/egress.ts";
import { type Origin, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

let pki: TestPki;
let origin: Origin;

beforeAll(async () => {
  pki = await createTestPki();
  origin = await startOrigin(pki);
});
afterAll(() => origin[Symbol.asyncDispose]());

/** Asks with `lines` of headers beside those that have to be there, and gives the log's line and what the origin saw. */
async function ask(lines: string[], target = `${origin.url}/`) {
  await using egress = await startTestEgress(pki.outbound());
  const own = Object.entries(egress.headers(target)).flat();
  const answer = await readAnswer(request(egress.url, { headers: [...own, ...lines], agent: false }));
  const [line] = await egress.waitForEvents();
  return { answer, line };
}

describe("the worker's request id", () => {
  it("is in the line of the request, and not sent to the origin", async () => {
    const { answer, line } = await ask([EGRESS_REQUEST_ID_HEADER, "3f2c-A_9"]);
    expect(line).toMatchObject({ event: "egress", status: 200, requestId: "3f2c-A_9" });
    expect((JSON.parse(answer.text) as SeenRequest).rawHeaders.join()).not.toContain("3f2c-A_9");
  });

  it("is in the line of a request that failed", async () => {
    const { line } = await ask([EGRESS_REQUEST_ID_HEADER, "3f2c-A_9"], "http://localhost/");
    expect(line).toMatchObject({ requestId: "3f2c-A_9", code: "origin_unreachable" });
  });

  it.each([
    ["that is none", []],
    ["that is empty", [EGRESS_REQUEST_ID_HEADER, ""]],
    ["with a quote", [EGRESS_REQUEST_ID_HEADER, 'a","event":"forged']],
    ["with an escape of the terminal", [EGRESS_REQUEST_ID_HEADER, "a\x9b31m"]],
    ["of 129 characters", [EGRESS_REQUEST_ID_HEADER, "a".repeat(129)]],
    ["that comes twice", [EGRESS_REQUEST_ID_HEADER, "a", EGRESS_REQUEST_ID_HEADER, "b"]],
  ])("%s is left out, and the request served", async (_, lines) => {
    const { answer, line } = await ask(lines);
    expect(answer.status).toBe(200);
    expect(line).not.toHaveProperty("requestId");
  });
});
