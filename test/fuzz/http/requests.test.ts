/** Whole HTTP/1.1 requests through the edge: who ends a request where? An independent strict reading says so, or a 400. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestEdge, type TestEdge } from "../../edge/harness/edge.ts";
import { runs } from "../runs.ts";
import { type Exchange, exchange } from "./exchange.ts";
import { type ParsedRequest, type RecordingUpstream, startRecordingUpstream } from "./recording-upstream.ts";
import { cut, cuts, oddRequest, properRequest } from "./requests.ts";
import { type Reading, readStrictly, type StrictRequest } from "./strict-reader.ts";

const CANARY = "GET /canary HTTP/1.1\r\nhost: a.test\r\nx-canary: intact\r\n\r\n";

let upstream: RecordingUpstream;
let edge: TestEdge;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  edge = await startTestEdge({ upstream: { url: upstream.url } });
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Sent {
  reading: Reading;
  result: Exchange;
  /** The upstream answered each request without waiting for its body, which may then not have reached it whole */
  isEarly: boolean;
}

async function send(text: string, places: readonly number[], isEarly: boolean): Promise<Sent> {
  const bytes = Buffer.from(text, "latin1");
  const reading = readStrictly(bytes);
  upstream.answersAtOnce = isEarly;
  return { reading, result: await exchange(edge, upstream, cut(bytes, places), reading), isEarly };
}

/** Method, path and body, and each header that is not the edge's own, are a request's. */
function expectSame(seen: ParsedRequest, sent: StrictRequest): void {
  expect(seen.method).toBe(sent.method);
  expect(seen.target).toBe(pathOf(sent.target));
  if (seen.isComplete) expect(seen.body.toString("latin1")).toBe(sent.body.toString("latin1"));
  else expect(sent.body.subarray(0, seen.body.length).equals(seen.body)).toBe(true);
  for (let index = 0; index < seen.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = seen.rawHeaders.slice(index, index + 2);
    if (!EDGE_HEADERS.test(name)) expect(sent.headers).toContainEqual([name, value]);
  }
  if (seen.target === "/canary") expect(seen.rawHeaders.join("\n")).toContain("x-canary\nintact");
}

const EDGE_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|x-forwarded-.*|true-client-ip|sallyport-.*)$/;

function pathOf(target: string): string {
  if (target === "*") return "/";
  const path = target.replace(/^https?:\/\/[^/?#]+/i, "");
  return path.startsWith("/") ? path : `/${path}`;
}

/**
 * What was seen whole are requests of the strict reading, in order and as they are: each that was answered with 200, none
 * that was answered otherwise. One without an answer may be among them where what follows it ended the connection.
 */
function expectAgreement({ reading: { requests, partial, end }, result, isEarly }: Sent): void {
  const { statuses, isClosed, seen } = result;
  const left = seen.filter(({ isComplete }) => isComplete || isEarly);
  requests.forEach((request, index) => {
    const isUnanswered = statuses[index] === undefined;
    if (isUnanswered) expect(isClosed).toBe(true);
    const isSeen = statuses[index] === 200 || (isUnanswered && left.length > 0);
    if (isSeen) expectSame(left.shift() as ParsedRequest, request);
  });
  // What is left has no end, here as there.
  const unfinished = isEarly ? left : seen.filter(({ isComplete }) => !isComplete);
  expect([...left, ...unfinished].filter(({ isComplete }) => isComplete)).toEqual([]);
  for (const each of unfinished) expectSame(each, partial as StrictRequest);
  // Without knowing where the next request begins, nothing may go on.
  if (end === "invalid") expect(isClosed).toBe(true);
}

describe("through the edge", () => {
  it("requests that can be read in one way are all served as they are", async () => {
    const requests = fc.array(properRequest, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(requests, cuts, fc.boolean(), async (texts, places, isEarly) => {
        const sent = await send(texts.join("") + CANARY, places, isEarly);
        expect(sent.reading).toMatchObject({ end: "nothing", partial: undefined });
        expect(sent.reading.requests).toHaveLength(texts.length + 1);
        expect(sent.result.statuses).toEqual(sent.reading.requests.map(() => 200));
        expectAgreement(sent);
      }),
      runs(100),
    );
  });

  it("requests whose end is in doubt are refused, and what is served is what a strict reading finds", async () => {
    const requests = fc.tuple(fc.option(properRequest, { nil: "" }), oddRequest);
    await fc.assert(
      fc.asyncProperty(requests, cuts, fc.boolean(), async (texts, places, isEarly) => {
        expectAgreement(await send(texts.join("") + CANARY, places, isEarly));
      }),
      runs(250),
    );
  });

  it("what was written to the upstream is read there in one way only", () => {
    for (const { bytes, requests } of upstream.connections) {
      const reading = readStrictly(bytes());
      const whole = requests.filter(({ isComplete }) => isComplete);
      expect(reading.end).not.toBe("invalid");
      expect(reading.requests.map(({ method, target, body }) => [method, target, body.toString("latin1")])).toEqual(
        whole.map(({ method, target, body }) => [method, target, body.toString("latin1")]),
      );
    }
  });
});
