/**
 * An attacker says about itself, in a header, what only the edge may say: that it was verified, where it comes from.
 * OpenShift CVE-2026-46579, Traefik 61b5bc4a, Keycloak #35861. Upstreams and CGI-like servers read `X_SSL_Client_Verify` and
 * `x-ssl-client-verify` as one header (RFC 3875, section 4.1.18), so each spelling is tried of each name; an innocent
 * header in the same spelling shows that it is the name which is dropped.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { OutgoingHttpHeaders } from "node:http";
import type { ClientHttp2Session } from "node:http2";
import { type Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { type AskOptions, ask, createKeepAliveAgent, tlsOptions } from "../edge/harness/client.ts";
import { HOST } from "../edge/harness/edge.ts";
import { askHttp2, connectHttp2, readAnswer } from "../edge/harness/http2-client.ts";
import { readText } from "../edge/harness/upstream.ts";
import { connectFrames, PROTOCOL_ERROR, requestFields } from "./harness/http2-frames.ts";
import { type Stack, startStack } from "./harness/stack.ts";

const FORGED = "forged by the client";
const INNOCENT = "X-Innocent-Header";

/** The names of rule 5 (shared/design/security.md); of a family, what servers behind proxies go by. */
const NAMES = [
  "Client-Cert",
  "Client-Cert-Chain",
  "X-Forwarded-Client-Cert",
  "X-SSL-Cert",
  "X-SSL-Client-Cert",
  "X-SSL-Client-Verify",
  "X-SSL-Whatever",
  "SSL-Client-Cert",
  "SSL-Client-S-DN",
  "SSL-Client-Verify",
  "X-Client-Cert",
  "X-Client-Cert-Chain",
  "X-Client-Certificate",
  "X-Client-CertVerified",
  "X-Amzn-Mtls-Clientcert",
  "X-Amzn-Mtls-Clientcert-Subject",
  "Sallyport-Edge-Assertion",
  "Sallyport-Request-Id",
  "Sallyport-Anything",
  "CF-Connecting-IP",
  "CF-Client-Cert-Sha256",
  "CF-Ray",
  "MF-CF-Blob",
  "MF-Original-URL",
  "X-Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Proto",
  "Forwarded",
  "True-Client-IP",
  "X-Real-IP",
];

const SPELLINGS: Record<string, (name: string) => string> = {
  "as it is": (name) => name,
  "in lower case": (name) => name.toLowerCase(),
  "in upper case": (name) => name.toUpperCase(),
  "in mixed case": (name) =>
    name.replace(/./g, (letter, index) => (index % 2 ? letter.toUpperCase() : letter.toLowerCase())),
  "with underscores": (name) => name.replaceAll("-", "_"),
  "with one underscore, in upper case": (name) => name.replace("-", "_").toUpperCase(),
};

let stack: Stack;
let agent: Agent;
let session: ClientHttp2Session;
let mark: string;
const run = randomUUID();
beforeAll(async () => {
  stack = await startStack();
  agent = createKeepAliveAgent();
  session = await connectHttp2(stack);
});
beforeEach(() => {
  mark = randomUUID();
});
afterAll(async () => {
  agent.destroy();
  session.destroy();
  await stack[Symbol.asyncDispose]();
});

const path = () => `/v1/inspect?${run}${mark}`;
const send = (options: AskOptions) => ask(stack, { agent, path: path(), ...options });

async function sendChunked(headers: OutgoingHttpHeaders, trailers: Record<string, string>): Promise<string> {
  const request = httpsRequest({
    ...tlsOptions(stack, {}),
    method: "POST",
    path: path(),
    headers: { host: HOST, ...headers },
    agent,
  } as RequestOptions);
  request.addTrailers(trailers);
  request.end("body");
  const [response] = await once(request, "response");
  return readText(response);
}

/** What the handler saw has the innocent header, and nothing of the forged one. */
function expectOnlyInnocent(body: string, innocent: string, values = [mark]): void {
  const { headers } = JSON.parse(body) as { headers: Record<string, string> };
  expect(headers[innocent.toLowerCase()]).toBe(values.join(", "));
  expect(body).not.toContain(FORGED);
}

/** The worker strips the headers of the edge itself: they must not have come so far. */
async function expectNothingRecorded(requests: number): Promise<void> {
  const seen = await stack.recorded(run);
  expect(seen.length).toBeGreaterThanOrEqual(requests);
  expect(JSON.stringify(seen)).not.toContain(FORGED);
}

describe.each(Object.entries(SPELLINGS))("sends %s", (_, spell) => {
  const innocent = spell(INNOCENT);

  it.each(NAMES)("%s", async (name) => {
    const { body } = await send({ headers: { [spell(name)]: FORGED, [innocent]: mark } });
    expectOnlyInnocent(body, innocent);
  });

  it.each(NAMES)("%s, twice", async (name) => {
    const { body } = await send({ headers: { [spell(name)]: [FORGED, FORGED], [innocent]: [mark, mark] } });
    expectOnlyInnocent(body, innocent, [mark, mark]);
  });

  it.each(NAMES)("%s, listed in Connection", async (name) => {
    const headers = { [spell(name)]: FORGED, connection: `keep-alive, ${spell(name)}`, [innocent]: mark };
    const { body } = await send({ headers });
    expectOnlyInnocent(body, innocent);
  });

  it.each(NAMES)("%s, in the trailers of a chunked body", async (name) => {
    const headers = { "transfer-encoding": "chunked", trailer: spell(name), [innocent]: mark };
    const body = await sendChunked(headers, { [spell(name)]: FORGED });
    expectOnlyInnocent(body, innocent);
    expect(JSON.parse(body).body).toBe("body");
  });

  it("and none of it reached the worker", () => expectNothingRecorded(4 * NAMES.length));
});

describe.each(Object.entries(SPELLINGS).filter(([title]) => /lower|underscores$/.test(title)))(
  "sends over HTTP/2, %s",
  (_, spell) => {
    const spellLower = (name: string) => spell(name).toLowerCase();
    const innocent = spellLower(INNOCENT);

    it.each(NAMES)("%s", async (name) => {
      const fields = { ":path": path(), [spellLower(name)]: FORGED, [innocent]: mark };
      expectOnlyInnocent((await askHttp2(session, fields)).body, innocent);
    });

    it.each(NAMES)("%s, twice", async (name) => {
      const fields = { ":path": path(), [spellLower(name)]: [FORGED, FORGED], [innocent]: [mark, mark] };
      expectOnlyInnocent((await askHttp2(session, fields)).body, innocent, [mark, mark]);
    });

    it.each(NAMES)("%s, in trailers", async (name) => {
      const fields = { ":authority": HOST, ":path": path(), ":method": "POST", [innocent]: mark };
      const stream = session.request(fields, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ [spellLower(name)]: FORGED }));
      stream.end("body");
      expectOnlyInnocent((await readAnswer(stream)).body, innocent);
    });

    it("and none of it reached the worker", () => expectNothingRecorded(3 * NAMES.length));
  },
);

describe("over HTTP/2, frame by frame, is reset for", () => {
  it.each([
    ["a name in upper case (RFC 9113, section 8.2.1)", "X-SSL-Client-Verify", "SUCCESS"],
    ["Connection that lists the edge's own (RFC 9113, section 8.2.2)", "connection", "sallyport-edge-assertion"],
  ])("%s", async (_, name, value) => {
    using client = await connectFrames(stack);
    const outcome = await client.request([...requestFields(HOST, path()), [name, value]]);
    expect(outcome).toMatchObject({ reset: PROTOCOL_ERROR });
    expect(await stack.recorded(mark)).toEqual([]);
    expectOnlyInnocent(
      (await client.request([...requestFields(HOST, path()), ["x-innocent", mark]])).body,
      "x-innocent",
    );
  });
});

describe("tries to be somebody", () => {
  const claims = (token: string) => ({
    "sallyport-edge-assertion": token,
    SALLYPORT_EDGE_ASSERTION: token,
    "x-ssl-client-verify": "SUCCESS",
    "x-forwarded-client-cert": 'By=spiffe://x;Hash=00;Subject="CN=client,O=Example"',
    "client-cert": `:${stack.client.der.toString("base64")}:`,
  });

  it("with the assertion of a verified client and every claim: 401", async () => {
    expect(
      (await send({ agent: createKeepAliveAgent(), identity: stack.client, path: `/v1/example?${mark}` })).status,
    ).toBe(200);
    const token = (await stack.recorded(mark))[0]?.headers["sallyport-edge-assertion"] ?? "";
    const answer = await send({ path: `/v1/example?${mark}`, headers: claims(token) });
    expect(answer.problem()).toMatchObject({ status: 401, code: "client_certificate_required" });
    expect((await stack.recorded(mark))[1]?.headers["sallyport-edge-assertion"]).not.toContain(token);
  });

  it("with claims beside its own certificate: it is whom the certificate says", async () => {
    const rogue = await stack.globexCa.issue({ subject: "CN=rogue" });
    const options = { headers: claims("x"), agent: createKeepAliveAgent(), path: `/v1/optional?${mark}` };
    const { user } = JSON.parse((await send({ ...options, identity: rogue })).body);
    expect(user).toEqual({ data: { mtlsAuth: expect.objectContaining({ subject: "CN=rogue", verified: false }) } });
  });

  it("from an address of its choice: it is where the connection comes from", async () => {
    const names = [
      "x-forwarded-for",
      "true-client-ip",
      "x-real-ip",
      "cf-connecting-ip",
      "forwarded",
      "x_forwarded_for",
    ];
    const headers = Object.fromEntries(names.map((name) => [name, "6.6.6.6"]));
    const { body } = await send({ headers });
    expect(body).not.toContain("6.6.6.6");
    expect(JSON.parse(body).headers).toMatchObject({
      "x-forwarded-for": "127.0.0.1",
      "true-client-ip": "127.0.0.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": HOST,
    });
  });

  it("by having the edge's own headers dropped on the way (Connection abuse, RFC 9110, section 7.6.1)", async () => {
    const own = ["sallyport-edge-assertion", "x-forwarded-for", "true-client-ip", "host", "content-length"];
    const options = { identity: stack.client, agent: createKeepAliveAgent(), path: `/v1/example?${mark}` };
    const answer = await send({ ...options, headers: { connection: ["close", ...own].join(", ") } });
    expect(answer.status).toBe(200);
    expect(Object.keys((await stack.recorded(mark))[0]?.headers ?? {})).toEqual(
      expect.arrayContaining(own.slice(0, 4)),
    );
  });

  it("by what Miniflare's entry worker believes (MF-CF-Blob, MF-Original-URL), which works past the edge", async () => {
    const headers = {
      "mf-original-url": "https://evil.test/v1/inspect",
      "mf-cf-blob": JSON.stringify({ tlsClientAuth: { certPresented: "1", certVerified: "SUCCESS" } }),
    };
    expect(JSON.parse((await send({ headers })).body).url).toBe(`https://${HOST}${path()}`);
    const past = await fetch(`${inject("gateway").url}${path()}`, { headers });
    expect(await past.json()).toMatchObject({ url: "https://evil.test/v1/inspect" });
  });
});
