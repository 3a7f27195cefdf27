/** `forwardClientCertificate`: what origins learn about the client (RFC 9440), and what a client cannot tell them. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeClientCertChain } from "../../src/contract/client-cert-field.ts";
import type { JsonObject } from "../../src/contract/project.ts";
import type { TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { issueLeaf } from "./certificate.ts";
import { captureConsole } from "./console.ts";
import { EGRESS_VARIABLES, type Mirrored } from "./outbound.ts";
import {
  assertionFor,
  CLOUDFLARE_VARIABLES,
  EDGE_VARIABLES,
  echo,
  HOST,
  project,
  route,
  runtimePolicy,
  sign,
  startRoutes,
  startWorker,
  throughEdge,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();
afterEach(() => void vi.restoreAllMocks());

const leaf = await issueLeaf({ dns: "client.example.com" });
const chain = encodeClientCertChain([new Uint8Array([1, 2, 3]), new Uint8Array([4, 5])]) ?? "";
const client = verifiedClient({ certRFC9440: leaf, certChainRFC9440: chain });
const FORGED = {
  "Client-Cert": ":Zm9yZ2Vk:",
  "CLIENT-CERT-CHAIN": ":Zm9yZ2Vk:",
  client_cert: "x",
  Client_Cert_Chain: "x",
};
const FIELDS = /^client[-_]cert/;

function start(options: JsonObject, inbound: string[] = [], variables = EDGE_VARIABLES) {
  const handler = { module: "@zuplo/runtime", export: "urlForwardHandler" };
  const forwarding = { ...handler, options: { baseUrl: "https://origin.example", ...options } };
  const headers = [{ name: "client-cert", value: ":c2V0:" }];
  const definition = project({
    routes: [route("/*", { pathMode: "url-pattern", handler: forwarding, inbound })],
    policies: [runtimePolicy("set", "SetHeadersInboundPolicy", { headers })],
  });
  return startWorker(definition, {}, { variables: { ...EGRESS_VARIABLES, ...variables } });
}

async function forward(
  forwardClientCertificate: string,
  { tls = client, path = "/", headers = {}, ...options }: { tls?: TlsClientAuth; path?: string } & JsonObject = {},
) {
  const worker = start({ forwardClientCertificate, ...options });
  const token = await sign(assertionFor(tls));
  return worker.fetch(throughEdge(path, token, { headers: headers as Record<string, string> }));
}

/** The fields that the origin got. */
async function fieldsAtOrigin(response: Response) {
  const { headers } = await response.json<Mirrored>();
  return Object.fromEntries(Object.entries(headers).filter(([name]) => FIELDS.test(name)));
}

describe("of a verified client the origin gets", () => {
  it.each([
    ["none", {}],
    ["client-cert", { "client-cert": leaf }],
    ["client-cert-and-chain", { "client-cert": leaf, "client-cert-chain": chain }],
  ])("with %s exactly %o, whatever the client wrote itself", async (choice, fields) => {
    expect(await fieldsAtOrigin(await forward(choice, { headers: FORGED }))).toEqual(fields);
    expect(await fieldsAtOrigin(await forward(choice, { mtlsCertificate: "alb", headers: FORGED }))).toEqual(fields);
  });

  it("nothing where the handler does not say", async () => {
    const worker = start({});
    expect(await fieldsAtOrigin(await worker.fetch(throughEdge("/", await sign(assertionFor(client)))))).toEqual({});
  });

  it("no Client-Cert-Chain where the client sent no chain", async () => {
    const response = await forward("client-cert-and-chain", { tls: { ...client, certChainRFC9440: "" } });
    expect(await fieldsAtOrigin(response)).toEqual({ "client-cert": leaf });
  });

  it("the field also where Connection names it", async () => {
    const response = await forward("client-cert", { headers: { connection: "close, client-cert" } });
    expect(await fieldsAtOrigin(response)).toEqual({ "client-cert": leaf });
  });

  it("the same from urlRewriteHandler", async () => {
    const options = { rewritePattern: "https://origin.example/x", forwardClientCertificate: "client-cert" };
    const handler = { module: "@zuplo/runtime", export: "urlRewriteHandler", options };
    const worker = startWorker(project({ routes: [route("/", { handler })] }), {});
    const response = await worker.fetch(throughEdge("/", await sign(assertionFor(client))));
    expect(await fieldsAtOrigin(response)).toEqual({ "client-cert": leaf });
  });
});

describe("of a client that is not verified the origin gets nothing", () => {
  it.each<[string, Partial<TlsClientAuth>]>([
    ["expired", { certVerified: "FAILED:certificate has expired" }],
    ["revoked", { certRevoked: "1" }],
    ["without a certificate", { certPresented: "0", certVerified: "NONE" }],
  ])("%s", async (_, parts) => {
    const response = await forward("client-cert-and-chain", { tls: { ...client, ...parts }, headers: FORGED });
    expect(response.status).toBe(200);
    expect(await fieldsAtOrigin(response)).toEqual({});
  });

  it("without an assertion", async () => {
    const worker = start({ forwardClientCertificate: "client-cert" });
    const request = new Request(`https://${HOST}/`, { headers: FORGED });
    expect(await fieldsAtOrigin(await worker.fetch(request))).toEqual({});
  });

  it("not even what a policy of the project set", async () => {
    const worker = start({ forwardClientCertificate: "client-cert" }, ["set"]);
    expect(await fieldsAtOrigin(await worker.fetch(`/`))).toEqual({});
  });
});

describe("without our edge in front", () => {
  const fromCloudflare = (tlsClientAuth: TlsClientAuth) =>
    new Request(`https://${HOST}/`, { headers: FORGED, cf: { tlsClientAuth } as unknown as CfProperties });

  it.each([
    ["none", {}],
    ["client-cert", { "client-cert": leaf }],
  ])("on Cloudflare with %s the origin gets %o", async (choice, fields) => {
    const worker = start({ forwardClientCertificate: choice }, [], CLOUDFLARE_VARIABLES as never);
    expect(await fieldsAtOrigin(await worker.fetch(fromCloudflare(client)))).toEqual(fields);
  });

  it("functions of the project do not see what the client wrote either", async () => {
    const worker = startRoutes(echo, route("/"));
    const { headers } = await (await worker.fetch(fromCloudflare(client))).json<{ headers: Record<string, string> }>();
    expect(Object.keys(headers).filter((name) => FIELDS.test(name))).toEqual([]);
  });
});

describe("what cannot be told stops the request", () => {
  it.each<[string, string, Partial<TlsClientAuth>, number, string, string]>([
    [
      "a leaf over 10 KiB",
      "client-cert",
      { certRFC9440: "", certRFC9440TooLarge: true },
      431,
      "headers_too_large",
      "10",
    ],
    [
      "a chain over 16 KiB",
      "client-cert-and-chain",
      { certChainRFC9440: "", certChainRFC9440TooLarge: true },
      431,
      "headers_too_large",
      "16",
    ],
    ["no leaf", "client-cert", { certRFC9440: "" }, 401, "client_certificate_rejected", "RFC 9440"],
    ["a leaf twice", "client-cert", { certRFC9440: ":AA==:, :AA==:" }, 401, "client_certificate_rejected", "RFC 9440"],
    [
      "an odd chain",
      "client-cert-and-chain",
      { certChainRFC9440: "x" },
      401,
      "client_certificate_rejected",
      "RFC 9440",
    ],
  ])("%s", async (_, choice, parts, status, code, reason) => {
    const fetched = vi.spyOn(globalThis, "fetch");
    const response = await forward(choice, { tls: { ...client, ...parts } });
    expect([response.status, await response.json()]).toMatchObject([
      status,
      { code, reason: expect.stringContaining(reason) },
    ]);
    expect(fetched).not.toHaveBeenCalled();
    expect(log).toMatchObject([{ level: "warn", message: "client certificate not forwarded", data: { code } }]);
  });

  it("but not a chain that is not asked for", async () => {
    const response = await forward("client-cert", { tls: { ...client, certChainRFC9440TooLarge: true } });
    expect(await fieldsAtOrigin(response)).toEqual({ "client-cert": leaf });
  });
});

describe("redirects", () => {
  it.each([{}, { mtlsCertificate: "alb" }])("are followed within the origin, with the field: %o", async (options) => {
    const response = await forward("client-cert", { path: "/redirect?to=/next", followRedirects: true, ...options });
    const mirrored = await response.json<Mirrored>();
    expect(mirrored).toMatchObject({ url: "https://origin.example/next", headers: { "client-cert": leaf } });
  });

  it.each([{}, { mtlsCertificate: "alb" }])("do not lead to another origin: %o", async (options) => {
    const path = "/redirect?to=https://other.example/";
    const response = await forward("client-cert", { path, followRedirects: true, ...options });
    expect([response.status, await response.json()]).toMatchObject([
      500,
      { reason: expect.stringContaining("redirect away from https://origin.example") },
    ]);
  });

  it("are handed on where they are not followed", async () => {
    const response = await forward("client-cert", { path: "/redirect?to=https://other.example/" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "https://other.example/"]);
  });
});

describe("caches", () => {
  const answer = (vary: string) =>
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response("body", { headers: { vary } }));

  it.each([
    ["Client-Cert", "*"],
    ["accept, client-cert-chain", "*"],
    ["accept", "accept"],
    ["x-client-cert", "x-client-cert"],
  ])("are told of an answer that varies on %s: %s (RFC 9440, section 2.4)", async (vary, expected) => {
    answer(vary);
    const response = await forward("client-cert");
    expect([response.headers.get("vary"), await response.text()]).toEqual([expected, "body"]);
  });

  it.each([
    ["client-cert", "no-store"],
    ["none", undefined],
  ])("between us and the origin are not used with %s", async (choice, expected) => {
    const fetched = answer("accept");
    await forward(choice);
    const [input, init] = fetched.mock.calls[0] ?? [];
    const cache = input instanceof Request ? input.cache : (init as { cache?: string } | undefined)?.cache;
    expect(cache).toBe(expected);
  });
});

describe("the option", () => {
  it.each(["Client-Cert", "", true])("is one of three: %s", async (forwardClientCertificate) => {
    const worker = start({ forwardClientCertificate });
    expect(await (await worker.fetch("/")).json()).toMatchObject({
      code: "configuration_invalid",
      reason: expect.stringContaining("options.forwardClientCertificate"),
    });
  });
});
