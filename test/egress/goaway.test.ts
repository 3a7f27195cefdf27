/** An HTTP/2 origin ends its connections with GOAWAY: what it took nothing of is sent again, and nothing else is (RFC 9113, 6.8). */
import type { Http2ServerResponse } from "node:http2";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { startTestEgress } from "./harness/egress.ts";
import { type Origin, type OriginRequest, type OriginResponse, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

interface Taken {
  method: string;
  body: string;
}

/** Says GOAWAY when the second request of its first connection is there, with that one's id minus `untaken`. */
function endFirstConnection(origin: Origin, untaken: number): Taken[] {
  const taken: Taken[] = [];
  const waiting: [OriginRequest, OriginResponse][] = [];
  const answer = async (request: OriginRequest, response: OriginResponse) => {
    taken.push({ method: request.method ?? "", body: await text(request) });
    response.end("taken");
  };
  origin.onRequest = (request, response) => {
    if (origin.handshakes.length > 1) return void answer(request, response);
    waiting.push([request, response]);
    const [first] = waiting;
    if (waiting.length < 2 || first === undefined) return;
    const { stream } = response as unknown as Http2ServerResponse;
    const { session } = stream;
    session?.goaway(0, (stream.id ?? 0) - untaken);
    if (untaken > 0) void answer(...first);
    else setImmediate(() => session?.destroy());
  };
  return taken;
}

const SMALL = "x".repeat(1_000);
const LARGE = "x".repeat(4 * 1024 * 1024);

describe("a request that came behind the last one that the origin looked at", () => {
  it.each([
    ["GET", ""],
    ["POST", ""],
    ["POST", SMALL],
    ["PUT", "x".repeat(60_000)],
    ["DELETE", SMALL],
  ])("is sent again: %s with %#", async (method, body) => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    const taken = endFirstConnection(origin, 2);
    const answers = await Promise.all([egress.ask(`${origin.url}/`), egress.ask(`${origin.url}/`, { method, body })]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, "taken"],
      [200, "taken"],
    ]);
    expect(taken).toContainEqual({ method, body });
    expect(taken).toHaveLength(2);
  });

  it("arrives once and whole, or is said not to have arrived, when it is too long to be kept", async () => {
    await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
    await using egress = await startTestEgress(pki.outbound());
    const taken = endFirstConnection(origin, 2);
    const [, { status, failure }] = await Promise.all([
      egress.ask(`${origin.url}/`),
      egress.ask(`${origin.url}/`, { method: "POST", body: LARGE }),
    ]);
    const arrived = taken.filter(({ method }) => method === "POST");
    expect(arrived.map(({ body }) => body.length)).toEqual(status === 200 ? [LARGE.length] : []);
    expect(failure?.code).toBe(status === 200 ? undefined : "origin_unreachable");
  });
});

it("a POST that the origin may have looked at is not sent again", async () => {
  await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
  await using egress = await startTestEgress(pki.outbound());
  endFirstConnection(origin, 0);
  const ask = () => egress.ask(`${origin.url}/`, { method: "POST", body: SMALL });
  for (const { failure } of await Promise.all([ask(), ask()])) expect(failure?.code).toBe("origin_unreachable");
  expect(origin.requests.filter(({ request }) => request.method === "POST")).toHaveLength(2);
});

it("an origin that looks at nothing is given up", async () => {
  await using origin = await startOrigin(pki, { protocol: "HTTP/2" });
  await using egress = await startTestEgress(pki.outbound());
  origin.onRequest = (_, response) => {
    const { stream } = response as unknown as Http2ServerResponse;
    // Nobody can say that stream 1 was the first not looked at, so there is one before it.
    if (stream.id === 1) response.end("one");
    else stream.session?.goaway(0, 1);
  };
  const ask = () => egress.ask(`${origin.url}/`, { method: "POST", body: SMALL });
  const answers = await Promise.all(Array.from({ length: 30 }, ask));
  // Each connection answers one of them, and none is tried more often than ten times.
  for (const { failure } of answers) if (failure !== undefined) expect(failure.code).toBe("origin_unreachable");
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(3);
  expect(origin.handshakes.length).toBeLessThan(40);
});
