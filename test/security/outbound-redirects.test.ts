/**
 * An origin, or whoever can have it redirect, sends a request that presents a certificate somewhere else. Here a worker
 * asks, as user code does, through a real egress.
 */
import { Miniflare, NoOpLog } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT, startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { type Origin, startOrigin } from "../egress/harness/origin.ts";
import { createTestPki } from "../egress/harness/pki.ts";
import { bundleForWorkerd, describeWorker, REPOSITORY } from "./harness/workerd.ts";

/** Calls `fetch` with what is posted to it, and tells what came of that. */
const CALLER = `
  import { plainFetch, setCertificateTransport } from "${REPOSITORY}src/runtime/fetch.ts";
  import { createCertificateTransport } from "${REPOSITORY}src/runtime/certificate-transport.ts";
  export default {
    async fetch(request, { EGRESS }) {
      setCertificateTransport(createCertificateTransport({}, JSON.parse(EGRESS), plainFetch));
      const { url, init } = await request.json();
      try {
        const response = await fetch(url, { ...init, sallyport: { mtlsCertificate: "gateway" } });
        return Response.json({ status: response.status, text: await response.text() });
      } catch (error) {
        return Response.json({ error: String(error) });
      }
    },
  };`;

let origin: Origin;
let elsewhere: Origin;
let egress: TestEgress;
let worker: Miniflare;
let workerUrl: URL;

beforeAll(async () => {
  const pki = await createTestPki();
  [origin, elsewhere] = [await startOrigin(pki), await startOrigin(pki)];
  egress = await startTestEgress(pki.outbound());
  const variables = { EGRESS: JSON.stringify({ url: egress.url, token: egress.token, project: PROJECT }) };
  worker = new Miniflare({
    ...{ host: "127.0.0.1", port: 0, cf: false, logRequests: false, log: new NoOpLog() },
    workers: [describeWorker("caller", await bundleForWorkerd(CALLER), variables)],
  });
  workerUrl = await worker.ready;
  const { onRequest } = origin;
  origin.onRequest = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", origin.url);
    if (pathname !== "/redirect") return onRequest(request, response);
    const location = searchParams.get("to") ?? "";
    return response.writeHead(Number(searchParams.get("status") ?? 302), { location }).end();
  };
});
afterAll(async () => {
  await worker?.dispose();
  for (const one of [egress, origin, elsewhere]) await one?.[Symbol.asyncDispose]();
});

interface Outcome {
  status?: number;
  text?: string;
  error?: string;
}

async function call(url: string, init: RequestInit = {}): Promise<Outcome> {
  const response = await fetch(workerUrl, { method: "POST", body: JSON.stringify({ url, init }) });
  return (await response.json()) as Outcome;
}

const redirectTo = (to: string, status = 302) =>
  `${origin.url}/redirect?${new URLSearchParams({ to, status: String(status) })}`;

it("a redirect within the origin is followed, with the certificate", async () => {
  const { text } = await call(redirectTo("/next"));
  expect(JSON.parse(text ?? "")).toMatchObject({ path: "/next", client: "gateway" });
});

describe("a redirect", () => {
  const PLACES: [string, () => string][] = [
    ["another port", () => `${elsewhere.url}/`],
    ["the same server under another name", () => `https://127.0.0.1:${origin.port}/`],
    ["a URL without a scheme", () => `//127.0.0.1:${elsewhere.port}/`],
    ["backslashes, which URL parsers take for slashes", () => `\\\\127.0.0.1:${elsewhere.port}\\`],
    ["plain HTTP", () => `http://localhost:${elsewhere.port}/`],
    ["the origin's name as a user's", () => `https://localhost@127.0.0.1:${elsewhere.port}/`],
    ["the egress", () => `${egress.url}/`],
    ["another host, in the second step", () => redirectTo(`${elsewhere.url}/`)],
  ];

  it.each(PLACES)("leads the certificate to %s", async (_, place) => {
    // One for the requests that are redirected, and no further one under another name.
    const before = [elsewhere.handshakes.length, Math.max(origin.handshakes.length, 1)];
    for (const status of [301, 302, 303, 307, 308]) {
      for (const init of [{}, { method: "POST", body: "secret" }]) {
        expect((await call(redirectTo(place(), status), init)).error).toContain(`redirect away from ${origin.url}`);
      }
    }
    expect([elsewhere.handshakes.length, origin.handshakes.length]).toEqual(before);
  });

  it("comes from an origin that says it is another one's (421, Content-Location, Refresh)", async () => {
    const before = elsewhere.handshakes.length;
    const { onRequest } = origin;
    origin.onRequest = (_, response) => {
      const there = `${elsewhere.url}/`;
      return response.writeHead(421, { "content-location": there, refresh: `0; url=${there}`, location: there }).end();
    };
    const outcome = await call(`${origin.url}/`);
    origin.onRequest = onRequest;
    expect([outcome.status, elsewhere.handshakes.length]).toEqual([421, before]);
  });
});
