/**
 * The runtime's `fetch` with origin mocks in front of it. It has to be in place before the gateway is loaded, which takes
 * what is there for the runtime's own: setup.ts sees to that.
 */
import {
  EGRESS_CALL_HEADER,
  EGRESS_FAILURE_HEADER,
  type EgressFailureCode,
  parseEgressCall,
} from "../../src/contract/egress.ts";
import { INTERNAL_HEADER_PREFIX } from "../../src/contract/headers.ts";
import { TEST_EGRESS_URL } from "../variables.ts";

/** Answers a request for its origin. @throws EgressFailure for a handshake that would not have come about */
export type AnswerOrigin = (request: Request, certificate: string | undefined) => Promise<Response>;

/** What the edge's egress would answer instead of an origin's response. */
export class EgressFailure extends Error {
  readonly code: EgressFailureCode;
  readonly hint: string;
  constructor(code: EgressFailureCode, reason: string, hint: string) {
    super(reason);
    this.code = code;
    this.hint = hint;
  }
}

/** The last that was made for an origin answers. */
const mocks: { origin: string; answer: AnswerOrigin }[] = [];

export function addMock(origin: string, answer: AnswerOrigin): Disposable {
  const mock = { origin, answer };
  mocks.push(mock);
  return { [Symbol.dispose]: () => void mocks.splice(mocks.indexOf(mock), 1) };
}

/** Replaces `globalThis.fetch`. */
export function interceptFetch(): void {
  const runtimeFetch = globalThis.fetch;
  globalThis.fetch = function fetch(input: RequestInfo | URL, init?: RequestInit) {
    const url = input instanceof Request ? input.url : String(input);
    if (URL.parse(url)?.origin === TEST_EGRESS_URL) return answerAsEgress(new Request(input, init));
    const answer = findMock(url);
    return answer === undefined ? runtimeFetch(input, init) : answer(new Request(input, init), undefined);
  };
}

function findMock(url: string): AnswerOrigin | undefined {
  const origin = URL.parse(url)?.origin;
  return mocks.findLast((mock) => mock.origin === origin)?.answer;
}

async function answerAsEgress(request: Request): Promise<Response> {
  const { target = "", certificate = "" } = parseEgressCall(request.headers.get(EGRESS_CALL_HEADER) ?? "") ?? {};
  try {
    const answer = findMock(target);
    if (answer !== undefined) return await answer(createOriginRequest(request, target), certificate);
    const { origin } = new URL(target);
    throw new EgressFailure(
      "origin_unreachable",
      `no mock answers for ${origin}`,
      `originMock("${origin}") of sallyport/testing makes one`,
    );
  } catch (error) {
    if (!(error instanceof EgressFailure)) throw error;
    const headers = { [EGRESS_FAILURE_HEADER]: error.code };
    return Response.json({ reason: error.message, hint: error.hint }, { status: 522, headers });
  }
}

/** As the origin would see it: its own URL, and nothing of what passes between worker and egress. */
function createOriginRequest(request: Request, target: string): Request {
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (name.startsWith(INTERNAL_HEADER_PREFIX)) headers.delete(name);
  return new Request(target, { method: request.method, headers, body: request.body, redirect: "manual" });
}
