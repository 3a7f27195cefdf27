/**
 * An attacker who reaches the worker past the edge, on its own port, forges the edge's assertion or replays one
 * (RFC 8725, JSON Web Token Best Current Practices). Nobody but the edge can make one, and one that it made is good for
 * one host name of one environment, for a minute.
 */
import { createHmac, randomBytes } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, importJWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createAssertionSigner, createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import { ask, createKeepAliveAgent } from "../edge/harness/client.ts";
import { HOST } from "../edge/harness/edge.ts";
import { askWorker, type Headers, type WorkerAnswer } from "./harness/past-the-edge.ts";
import { CLOCK_PATH } from "./harness/recording-worker.ts";
import { OTHER_HOST, SIBLING_HOST, type Stack, startStack } from "./harness/stack.ts";

const MINUTE_MS = 60_000;

let stack: Stack;
/** The assertion of a verified client, taken from the wire behind the edge */
let genuine: string;
beforeAll(async () => {
  stack = await startStack();
  genuine = await capture();
});
afterAll(() => stack[Symbol.asyncDispose]());

async function capture(edge: Stack = stack, hostname = HOST, identity = edge.client): Promise<string> {
  const mark = crypto.randomUUID();
  await ask(edge, { hostname, identity, path: `/v1/optional?${mark}` });
  return (await edge.recorded(mark))[0]?.headers["sallyport-edge-assertion"] ?? "";
}

const attempt = (token: string | undefined, more: Headers = [], host = HOST) =>
  askWorker(inject("gateway").url, "/v1/example", host, [
    ...(token === undefined ? [] : [["sallyport-edge-assertion", token] as const]),
    ...more,
  ]);

function expectRefused(answer: WorkerAnswer, reason: string | RegExp): void {
  expect(answer).toMatchObject({ status: 401, problem: { code: "client_certificate_rejected" } });
  expect(answer.problem?.reason).toMatch(reason);
}

/** The same request with the genuine assertion gets in. */
async function expectControl(): Promise<void> {
  expect(await attempt(await capture())).toMatchObject({ status: 200, body: "Hello, CN=client,O=Example" });
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const parts = () => genuine.split(".") as [header: string, payload: string, signature: string];
const now = () => Math.floor(Date.now() / 1_000);

/** Signed with the edge's own key, which nobody else has: to see what the worker makes of the claims alone. */
async function sign(
  changes: JWTPayload & Record<string, unknown>,
  header: Record<string, unknown> = {},
  key = inject("gateway").signingKey,
) {
  const payload = { ...decodeJwt(genuine), iat: now(), exp: now() + 60, jti: crypto.randomUUID(), ...changes };
  const defined = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  const protectedHeader = { ...decodeProtectedHeader(genuine), alg: "EdDSA", ...header };
  return new SignJWT(defined).setProtectedHeader(protectedHeader).sign(await importJWK(key, "EdDSA"));
}

describe("forges", () => {
  it("nothing, and claims by header and request.cf to be verified: 401", async () => {
    const cf = { tlsClientAuth: { certPresented: "1", certVerified: "SUCCESS", certIssuerDN: "CN=example-ca" } };
    const claims: Headers = [
      ["mf-cf-blob", JSON.stringify(cf)],
      ["x-ssl-client-verify", "SUCCESS"],
      ["client-cert", `:${stack.client.der.toString("base64")}:`],
    ];
    expect(await attempt(undefined, claims)).toMatchObject({
      status: 401,
      problem: { code: "client_certificate_required" },
    });
    await expectControl();
  });

  it.each<[string, () => string]>([
    [
      "a verdict: the payload is altered",
      () => `${parts()[0]}.${encode({ ...decodeJwt(genuine), account: "x" })}.${parts()[2]}`,
    ],
    ["a signature: one bit is another", () => `${parts()[0]}.${parts()[1]}.${flipBit(parts()[2])}`],
    ["a signature: there is none", () => `${parts()[0]}.${parts()[1]}.`],
    [
      "alg none (RFC 8725, section 3.2)",
      () => `${encode({ ...decodeProtectedHeader(genuine), alg: "none" })}.${parts()[1]}.`,
    ],
    [
      "alg NONE with the old signature",
      () => `${encode({ ...decodeProtectedHeader(genuine), alg: "NONE" })}.${parts()[1]}.${parts()[2]}`,
    ],
    ["alg HS256 with the public key as secret (RFC 8725, section 2.1)", () => signHs256()],
    ["nothing that is a token", () => "SUCCESS"],
    ["an empty token", () => ".."],
  ])("%s", async (_, makeToken) => {
    expectRefused(await attempt(makeToken()), /edge assertion (signature|malformed)/);
    await expectControl();
  });

  it("with a key of its own, under the edge's key id", async () => {
    expectRefused(await attempt(await sign({}, {}, await createSigningJwk())), "edge assertion signature");
    await expectControl();
  });

  it("with a key of its own that it sends along (jwk, RFC 8725, section 3.8)", async () => {
    const key = await createSigningJwk();
    const { jwks } = await createAssertionSigner(key);
    const own = { jwk: jwks.keys[0], kid: jwks.keys[0]?.kid, jku: "https://evil.test/jwks.json" };
    expectRefused(await attempt(await sign({}, own, key)), "edge assertion signature");
    await expectControl();
  });

  it("with an extension that must be understood (crit, RFC 7515, section 4.1.11)", async () => {
    const [, payload, signature] = parts();
    const header = { ...decodeProtectedHeader(genuine), crit: ["x"], x: 1 };
    expectRefused(await attempt(`${encode(header)}.${payload}.${signature}`), "edge assertion malformed");
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ["another kind of token of the same key (typ, RFC 8725, section 3.11)", {}, { typ: "JWT" }, "claims"],
    ["another issuer", { iss: "evil" }, {}, "claims"],
    ["no expiry", { exp: undefined }, {}, "claims"],
    ["no time of issue, for ever", { iat: undefined, exp: 4e9 }, {}, "claims"],
    ["a longer life than a minute", { iat: now() - 3_600, exp: now() + 3_600 }, {}, "expired"],
    ["the future", { iat: now() + 3_600, exp: now() + 3_660 }, {}, "claims"],
    ["the past", { iat: now() - 120, exp: now() - 60 }, {}, "expired"],
    ["a time before which it is not good", { nbf: now() + 3_600 }, {}, "claims"],
    ["no verdict", { tlsClientAuth: undefined }, {}, "claims"],
    ["a verdict that is none", { tlsClientAuth: { certVerified: "SUCCESS" } }, {}, "claims"],
  ])("by the edge's hand, %s", async (_, changes, header, refusal) => {
    expectRefused(await attempt(await sign(changes, header)), `edge assertion ${refusal}`);
    expect((await attempt(await sign({}))).status, "the control").toBe(200);
  });
});

describe("sends the genuine assertion", () => {
  it("twice: once would do", async () => {
    expectRefused(await attempt(genuine, [["sallyport-edge-assertion", genuine]]), "more than one edge assertion");
    await expectControl();
  });

  it("beside one that is forged, in either order", async () => {
    const forged = await sign({}, {}, await createSigningJwk());
    for (const [first, second] of [
      [genuine, forged],
      [forged, genuine],
    ] as const) {
      expectRefused(await attempt(first, [["Sallyport-Edge-Assertion", second]]), "more than one edge assertion");
    }
    await expectControl();
  });

  it.each([
    ["another account's host", OTHER_HOST],
    ["another host of the account", SIBLING_HOST],
    ["a name below", `x.${HOST}`],
    ["no host name", "[::1]"],
  ])("for another audience: %s", async (_, host) => {
    expectRefused(await attempt(await capture(), [], host), /edge assertion is for host "a\.test"/);
    await expectControl();
  });

  it("of another environment, from an edge with the same key", async () => {
    await using staging = await startStack({ environment: "staging" });
    expectRefused(await attempt(await capture(staging)), 'is for environment "staging", this worker is "development"');
    await expectControl();
  });

  it("of another account, to a worker of this one", async () => {
    const { pinnedUrl } = inject("gateway");
    const token = await capture(stack, OTHER_HOST, stack.otherClient);
    const answer = await askWorker(pinnedUrl, "/v1/example", OTHER_HOST, [["sallyport-edge-assertion", token]]);
    expectRefused(answer, 'edge assertion is for account "globex", this worker is "acme"');
    expect((await attemptPinned(genuine)).status, "the control").toBe(200);
  });

  it("of another project, to a worker of this one", async () => {
    const accounts = {
      acme: { domains: [[HOST, "other"] as [string, string]], caCertificates: { acme_ca: stack.acmeCa } },
    };
    await using other = await startStack({ accounts });
    const answer = await attemptPinned(await capture(other, HOST, stack.client));
    expectRefused(answer, 'edge assertion is for project "other", this worker is "acme-project"');
    expect((await attemptPinned(genuine)).status, "the control").toBe(200);
  });
});

const attemptPinned = (token: string) =>
  askWorker(inject("gateway").pinnedUrl, "/v1/example", HOST, [["sallyport-edge-assertion", token]]);

/** How far the clock of the pinned worker is ahead. */
async function setClock(aheadMs: number): Promise<void> {
  await fetch(`${inject("gateway").pinnedUrl}${CLOCK_PATH}${aheadMs}`);
}

describe("replays the assertion of a connection that is gone", () => {
  it.each([
    ["one that the worker never saw", false],
    ["one that the worker remembers", true],
  ])("%s: for a minute, and for the tolerance between clocks, and no longer", async (_, isRemembered) => {
    const agent = createKeepAliveAgent();
    const mark = crypto.randomUUID();
    await ask(stack, { agent, identity: stack.client, path: `/v1/optional?${mark}` });
    agent.destroy();
    const token = (await stack.recorded(mark))[0]?.headers["sallyport-edge-assertion"] ?? "";
    try {
      if (isRemembered) expect((await attemptPinned(token)).status, "the control").toBe(200);
      await setClock(MINUTE_MS + 6_000);
      expectRefused(await attemptPinned(token), "edge assertion expired");
      await setClock(MINUTE_MS - 10_000);
      expect((await attemptPinned(token)).status, "the control").toBe(200);
      await setClock(24 * 60 * MINUTE_MS);
      expectRefused(await attemptPinned(token), "edge assertion expired");
    } finally {
      await setClock(0);
    }
  });

  it("to a worker whose clock is behind by more than the tolerance: not yet", async () => {
    try {
      await setClock(-MINUTE_MS);
      expectRefused(await attemptPinned(await sign({})), "edge assertion claims");
    } finally {
      await setClock(0);
    }
    expect((await attemptPinned(await sign({}))).status, "the control").toBe(200);
  });
});

function flipBit(signature: string): string {
  const bytes = Buffer.from(signature, "base64url");
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
  return bytes.toString("base64url");
}

/** What a verifier takes that lets the token choose the algorithm. */
function signHs256(): string {
  const signed = `${encode({ ...decodeProtectedHeader(genuine), alg: "HS256" })}.${parts()[1]}`;
  const secret = Buffer.from(inject("gateway").signingKey.x ?? randomBytes(32).toString("base64url"), "base64url");
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
