/** The id by which a line of the egress's log is found beside those of ingress and worker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestEgress } from "./harness/egress.ts";
import { type Origin, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

let pki: TestPki;
let origin: Origin;

beforeAll(async () => {
  pki = await createTestPki();
  origin = await startOrigin(pki);
});
afterAll(() => origin[Symbol.asyncDispose]());

/** Asks with this id, and gives the log's line and what the origin saw. */
async function ask(requestId: string | undefined, target = `${origin.url}/`) {
  await using egress = await startTestEgress(pki.outbound());
  const answer = await egress.ask(target, requestId === undefined ? {} : { requestId });
  const [line] = await egress.waitForEvents();
  return { answer, line };
}

describe("the worker's request id", () => {
  it("is in the line of the request, and not sent to the origin", async () => {
    const { answer, line } = await ask("3f2c-A_9");
    expect(line).toMatchObject({ event: "egress", status: 200, requestId: "3f2c-A_9" });
    expect((JSON.parse(answer.text) as SeenRequest).rawHeaders.join()).not.toContain("3f2c-A_9");
  });

  it("is in the line of a request that failed", async () => {
    const { line } = await ask("3f2c-A_9", "http://localhost/");
    expect(line).toMatchObject({ requestId: "3f2c-A_9", code: "origin_unreachable" });
  });

  it.each([
    ["that is none", undefined],
    ["that is empty", ""],
    ["with a quote", 'a","event":"forged'],
    ["with an escape of the terminal", "a\x9b31m"],
    ["of 129 characters", "a".repeat(129)],
  ])("%s is left out, and the request served", async (_, requestId) => {
    const { answer, line } = await ask(requestId);
    expect(answer.status).toBe(200);
    expect(line).not.toHaveProperty("requestId");
  });
});
