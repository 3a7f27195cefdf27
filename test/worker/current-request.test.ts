/** The id of the request that user code is serving, on what it sends to the egress. */
import { describe, expect, it } from "vitest";
import { type Mirrored, startHandler } from "./outbound.ts";

const sallyport = { mtlsCertificate: "aws_alb_cert" };
/** In whatever header it might have been believed */
const FORGED = {
  "sallyport-egress-call": "a b/c d of-another-request https://e/",
  "sallyport-request-id": "of-another-request",
};

async function idAtEgress(init: RequestInit = {}): Promise<string | undefined> {
  const mirrored: Mirrored = await (await fetch("https://origin.example/", { ...init, sallyport })).json();
  return mirrored.call?.requestId;
}

/** A gate that handlers wait at, so that they run in the order that a test wants. */
function createGate(): { pass: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { pass: promise, open: resolve };
}

describe("the request id at the egress", () => {
  it("is that of the answer, whatever the handler waited for before", async () => {
    const worker = startHandler(async () => {
      await scheduler.wait(1);
      await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
      return { id: await idAtEgress() };
    });
    const response = await worker.fetch("/");
    expect(await response.json()).toEqual({ id: response.headers.get("sallyport-request-id") });
  });

  it("of two requests that are served at once is each one's own", async () => {
    const gate = createGate();
    const worker = startHandler(async (request) => {
      if (request.query.first === undefined) gate.open();
      else await gate.pass;
      return { id: await idAtEgress() };
    });
    const responses = await Promise.all([worker.fetch("/?first=1"), worker.fetch("/")]);
    const ids = await Promise.all(responses.map(async (response) => (await response.json<{ id: string }>()).id));
    expect(ids).toEqual(responses.map(({ headers }) => headers.get("sallyport-request-id")));
    expect(ids[0]).not.toBe(ids[1]);
  });

  it("comes from handlers that forward, too", async () => {
    const options = { baseUrl: "https://origin.example", mtlsCertificate: "aws_alb_cert" };
    const response = await startHandler({ export: "urlForwardHandler", options }).fetch("/");
    const { call } = await response.json<Mirrored>();
    expect(call?.requestId).toBe(response.headers.get("sallyport-request-id"));
  });

  it("is not what user code writes", async () => {
    const response = await startHandler(async () => ({ id: await idAtEgress({ headers: FORGED }) })).fetch("/");
    expect(await response.json()).toEqual({ id: response.headers.get("sallyport-request-id") });
  });

  it("is nobody's outside a request", async () => {
    startHandler(() => "");
    expect(await idAtEgress({ headers: FORGED })).toBeUndefined();
  });

  it("does not leave with a fetch that presents no certificate", async () => {
    const worker = startHandler(() => fetch("https://origin.example/"));
    const { headers } = await (await worker.fetch("/")).json<Mirrored>();
    expect(Object.keys(headers).filter((name) => name.startsWith("sallyport-"))).toEqual([]);
  });
});
