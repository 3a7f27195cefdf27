/** The policy behind somebody else's CDN: whom that verified, and that nobody else can say so. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/contract/project.ts";
import type { TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { ZuploRequest as Zuplo, type ZuploRequest } from "../../src/runtime/index.ts";
import { captureConsole } from "./console.ts";
import { signMessage } from "./message-signatures.ts";
import {
  assertionFor,
  EDGE_VARIABLES,
  echo,
  FINGERPRINT,
  HOST,
  ISSUER,
  NOW,
  project,
  route,
  runtimePolicy,
  sign,
  startWorker,
  throughEdge,
  userPolicy,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();

const SECRET = "0123456789abcdef0123456789abcdef";
const OTHER_SECRET = "fedcba9876543210fedcba9876543210";
const IDENTITY = { "x-verified-client": "CN=partner,O=Example" };
const BY_SECRET: JsonObject = { secret: { header: "X-Cdn-Secret", values: ["$env(CDN_SECRET)"] } };
const BY_CERTIFICATE: JsonObject = { clientCertificate: { allow: { sha256Fingerprints: [FINGERPRINT] } } };
const BY_SIGNATURE: JsonObject = { signature: { secrets: ["$env(CDN_SECRET)"] } };
const nobody = verifiedClient({ certPresented: "0", certVerified: "NONE" });

interface Parts {
  headers?: HeadersInit;
  client?: TlsClientAuth;
  variables?: Record<string, string>;
  options?: JsonObject;
  before?: (request: ZuploRequest) => ZuploRequest;
}

interface Answer {
  user?: ZuploRequest["user"];
  headers?: Record<string, string>;
  code?: string;
  reason?: string;
  hint?: string;
}

async function send(proof: JsonObject, { headers = IDENTITY, client = nobody, ...parts }: Parts = {}) {
  const options = { identityHeader: "X-Verified-Client", proof, ...parts.options };
  const variables = { ...EDGE_VARIABLES, CDN_SECRET: SECRET, ...parts.variables };
  const worker = startWorker(
    project({
      routes: [route("/", { inbound: parts.before ? ["before", "cdn"] : ["cdn"] })],
      policies: [runtimePolicy("cdn", "CdnIdentityInboundPolicy", options), userPolicy("before")],
    }),
    { "./modules/handler": { default: echo }, "./modules/policies": { before: parts.before ?? echo } },
    { variables },
  );
  const token = await sign(assertionFor(client, { environment: variables.SALLYPORT_ENVIRONMENT }));
  const response = await worker.fetch(throughEdge("/", token, { headers }));
  return { status: response.status, body: await response.json<Answer>() };
}

const accepted = { status: 200, body: { user: { sub: "CN=partner,O=Example", data: {} } } };
const rejected = (reason: string) => ({
  status: 401,
  body: { code: "cdn_identity_rejected", reason: expect.stringContaining(reason), hint: expect.any(String) },
});
const withSecret = (secret: string) => ({ ...IDENTITY, "x-cdn-secret": secret });

describe("with a secret of the CDN", () => {
  it("the header says who the user is, and the secret goes no further", async () => {
    const { status, body } = await send(BY_SECRET, { headers: withSecret(SECRET) });
    expect({ status, body }).toMatchObject(accepted);
    expect(body.headers).toMatchObject(IDENTITY);
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  it("of two during a rotation, either counts", async () => {
    const proof = { secret: { header: "x-cdn-secret", values: ["$env(CDN_SECRET)", "$env(NEXT)"] } };
    const variables = { NEXT: OTHER_SECRET };
    for (const secret of [SECRET, OTHER_SECRET]) {
      expect(await send(proof, { headers: withSecret(secret), variables })).toMatchObject(accepted);
    }
  });

  it.each<[string, HeadersInit]>([
    ["none", IDENTITY],
    ["another", withSecret(OTHER_SECRET)],
    ["an empty one", withSecret("")],
    ["the beginning of it", withSecret(SECRET.slice(0, -1))],
    ["more than it", withSecret(`${SECRET}0`)],
    ["it in another case", withSecret(SECRET.toUpperCase())],
    ["it twice", [...Object.entries(IDENTITY), ["x-cdn-secret", SECRET], ["x-cdn-secret", SECRET]]],
    ["it under another name", { ...IDENTITY, x_cdn_secret: SECRET }],
  ])("the header alone says nothing: %s", async (_, headers) => {
    expect(await send(BY_SECRET, { headers })).toMatchObject(rejected("does not come from the CDN"));
  });

  it("is in no line of the log and in no answer", async () => {
    const { body } = await send(BY_SECRET, { headers: withSecret(OTHER_SECRET) });
    const said = JSON.stringify([body, log]);
    expect(log).toMatchObject([{ level: "warn", message: "identity of the CDN rejected" }]);
    for (const secret of [SECRET, OTHER_SECRET]) expect(said).not.toContain(secret);
  });
});

describe("with the client certificate of the CDN", () => {
  const cdn = verifiedClient();

  it("the header says who the user is, and not the certificate", async () => {
    expect(await send(BY_CERTIFICATE, { client: cdn })).toMatchObject(accepted);
    expect(await send({ clientCertificate: { certIssuerDN: ISSUER } }, { client: cdn })).toMatchObject(accepted);
    expect(await send({ clientCertificate: { caCertificates: ["demo_ca"] } }, { client: cdn })).toMatchObject(accepted);
  });

  it.each<[string, TlsClientAuth, string]>([
    ["none", nobody, "no client certificate"],
    ["another", { ...cdn, certFingerprintSHA256: "cd".repeat(32) }, "no allow rule matches"],
    ["one that did not verify", { ...cdn, certVerified: "FAILED:certificate has expired" }, "has expired"],
  ])("the header alone says nothing: %s", async (_, client, reason) => {
    expect(await send(BY_CERTIFICATE, { client })).toMatchObject(rejected(reason));
  });
});

describe("with a signature of the CDN (RFC 9421)", () => {
  const encoder = new TextEncoder();
  const signed = (secret: string, headers = IDENTITY, age = 0) =>
    signMessage(new Request(`https://${HOST}/`, { headers }), encoder.encode(secret), {
      components: ["@method", "@target-uri", "x-verified-client"],
      created: NOW.getTime() / 1000 - age,
    });

  it("the header says who the user is", async () => {
    expect(await send(BY_SIGNATURE, { headers: { ...IDENTITY, ...(await signed(SECRET)) } })).toMatchObject(accepted);
  });

  it.each<[string, () => Promise<HeadersInit>, string]>([
    ["none", async () => ({}), "there is no signature"],
    ["with another secret", () => signed(OTHER_SECRET), "another secret"],
    ["of another identity", () => signed(SECRET, { "x-verified-client": "CN=other" }), "is not of this request"],
    ["of a minute ago", () => signed(SECRET, IDENTITY, 61), "is older than 60 s"],
  ])("the header alone says nothing: %s", async (_, sign, reason) => {
    expect(await send(BY_SIGNATURE, { headers: { ...IDENTITY, ...(await sign()) } })).toMatchObject(rejected(reason));
  });

  it.each(["@method", "@target-uri", "x-verified-client"])("that does not cover %s says nothing", async (left) => {
    const components = ["@method", "@target-uri", "x-verified-client"].filter((name) => name !== left);
    const request = new Request(`https://${HOST}/`, { headers: IDENTITY });
    const created = NOW.getTime() / 1000;
    const own = await signMessage(request, encoder.encode(SECRET), { components, created });
    const answer = await send(BY_SIGNATURE, { headers: { ...IDENTITY, ...own } });
    expect(answer).toMatchObject(rejected(`does not cover "${left}"`));
  });

  it("lives as long as the option says", async () => {
    const proof = { signature: { secrets: [SECRET], maxAgeSeconds: 100 } };
    const headers = { ...IDENTITY, ...(await signed(SECRET, IDENTITY, 61)) };
    expect(await send(proof, { headers })).toMatchObject(accepted);
  });
});

describe("with several proofs", () => {
  const both = { ...BY_SECRET, ...BY_CERTIFICATE };

  it("each has to hold", async () => {
    expect(await send(both, { headers: withSecret(SECRET), client: verifiedClient() })).toMatchObject(accepted);
    expect(await send(both, { headers: withSecret(SECRET) })).toMatchObject({ status: 401 });
    expect(await send(both, { client: verifiedClient() })).toMatchObject({ status: 401 });
  });
});

describe("the identity", () => {
  it("has to be there", async () => {
    const { status, body } = await send(BY_SECRET, { headers: { "x-cdn-secret": SECRET } });
    expect([status, body]).toMatchObject([401, { code: "cdn_identity_required" }]);
  });

  it("is short", async () => {
    const headers = { "x-verified-client": "x".repeat(4097), "x-cdn-secret": SECRET };
    expect(await send(BY_SECRET, { headers })).toMatchObject(rejected("over 4096 characters"));
  });

  it("is not spoken of where the proof is missing", async () => {
    expect(await send(BY_SECRET, { headers: {} })).toMatchObject(rejected("does not come from the CDN"));
  });

  it("becomes the user beside what an earlier policy attached", async () => {
    const before = (request: ZuploRequest) => new Zuplo(request, { user: { sub: "key-7", data: { plan: "gold" } } });
    const { body } = await send(BY_SECRET, { headers: withSecret(SECRET), before });
    expect(body.user).toEqual({ sub: "CN=partner,O=Example", data: { plan: "gold" } });
  });
});

it("outside development the answer does not say which check failed", async () => {
  const { body } = await send(BY_SECRET, { variables: { SALLYPORT_ENVIRONMENT: "production" } });
  expect(body).toMatchObject({ code: "cdn_identity_rejected" });
  expect(body).not.toHaveProperty("reason");
  expect(body).not.toHaveProperty("hint");
});

describe("the project is not served", () => {
  it.each<[string, JsonObject, Record<string, string>, string]>([
    ["with a secret that is not set", { secret: { header: "x-s", values: ["$env(UNSET)"] } }, {}, "values.0"],
    ["with a proof that is not set", { ...BY_SECRET, clientCertificate: "$env(UNSET)" }, {}, "clientCertificate"],
    [
      "with a rule on the certificate that is not set",
      { clientCertificate: { certIssuerDN: "$env(UNSET)", allow: { sha256Fingerprints: [FINGERPRINT] } } },
      {},
      "clientCertificate.certIssuerDN",
    ],
    ["with a short secret", BY_SECRET, { CDN_SECRET: "short-secret" }, "is not a secret"],
    ["without a proof", {}, {}, '"proof" is empty'],
  ])("%s", async (_, proof, variables, reason) => {
    const { body } = await send(proof, { headers: withSecret(SECRET), variables });
    expect(body).toMatchObject({ code: "configuration_invalid", reason: expect.stringContaining(reason) });
    expect(JSON.stringify([body, log])).not.toContain("short-secret");
  });
});
