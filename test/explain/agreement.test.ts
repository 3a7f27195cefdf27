/** The explanation and a running edge, over the same certificates: the same verdict, for the same reason. */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCertificateFile } from "../../cli/explain/client-certificate-file.ts";
import { type Explanation, explainCertificate } from "../../cli/explain/explain.ts";
import { compileCaSet } from "../../edge-shim/trust/trust-store.ts";
import { ask, askForAssertion, type Identity } from "../edge/harness/client.ts";
import { startTestEdge, type TestEdge } from "../edge/harness/edge.ts";
import { type Accounts, createBundle } from "../edge/harness/trust.ts";
import { type Authorities, createAccounts, createAuthorities, HOSTS, type HostName } from "./authorities.ts";
import { CASES } from "./cases.ts";

/** A test client may hold what the library would not use by itself: the edge has to judge it, not the client. */
const tls = { ciphers: "DEFAULT:@SECLEVEL=0" };

let authorities: Authorities;
let accounts: Record<HostName, Accounts[string]>;
let edge: TestEdge;

beforeAll(async () => {
  authorities = await createAuthorities();
  accounts = createAccounts(authorities);
  edge = await startTestEdge({ accounts });
});
afterAll(() => edge[Symbol.asyncDispose]());

function explain({ chainPem }: Pick<Identity, "chainPem">, host: HostName, domain: string = HOSTS[host]) {
  const [account] = createBundle({ [host]: accounts[host] }).accounts;
  if (account === undefined) throw new TypeError(`"${host}" is no account`);
  const trust = {
    account: host,
    domain,
    isDomainActive: domain === HOSTS[host],
    domains: [{ hostname: HOSTS[host], project: "project", isActive: true }],
    caSet: compileCaSet(account),
  };
  return explainCertificate(parseCertificateFile(Buffer.from(chainPem), "client.pem"), trust, edge.clock.nowMs);
}

const failingChecks = ({ steps }: Explanation) => steps.filter(({ ok }) => !ok).map(({ check }) => check);
const sortById = <Anchor extends { id: string }>(anchors: readonly Anchor[]) =>
  anchors.toSorted((a, b) => a.id.localeCompare(b.id));

it("more than a hundred certificates are compared, each by its own name", () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  expect(CASES.length).toBeGreaterThan(100);
});

describe("edge and explanation agree on", () => {
  it.each(CASES)("$name ($host)", async ({ host, make, failing }) => {
    const identity = await make(authorities);
    const { tlsClientAuth, trustAnchors } = await askForAssertion(edge, { hostname: HOSTS[host], identity, tls });
    const explanation = await explain(identity, host);
    const verdict = explanation.verified ? explanation.status : `${explanation.status}:${explanation.reason}`;
    expect(verdict).toBe(tlsClientAuth.certVerified);
    expect(sortById(explanation.anchors)).toEqual(sortById(trustAnchors));
    expect(failingChecks(explanation)).toEqual(failing);
    expect(explanation.verified).toBe(failing.length === 0);
    for (const step of explanation.steps) if (!step.ok) expect(step.hint).toMatch(/^\S.+\S$/);
    if (explanation.certIssuerDN !== null) expect(explanation.certIssuerDN).toBe(tlsClientAuth.certIssuerDN);
  });
});

describe("where the edge gives no verdict", () => {
  it("a handshake that it ends is explained as one", async () => {
    const identity = await authorities.root.issue({ subject: "CN=client", sizeBytes: 120 * 1024 });
    await expect(askForAssertion(edge, { identity, tls })).rejects.toThrow();
    const explanation = await explain(identity, "usual");
    expect(explanation).toMatchObject({ status: "FAILED", reason: "the TLS handshake ends: excessive message size" });
    expect(failingChecks(explanation)).toEqual(["size"]);
  });

  it.each([
    ["EC 1.3.132.0.33", () => generateKeyPairSync("ec", { namedCurve: "secp224r1" })],
    ["EC secp256k1", () => generateKeyPairSync("ec", { namedCurve: "secp256k1" })],
    ["X25519", () => generateKeyPairSync("x25519")],
  ])("a key that no client signs a handshake with is explained as one: %s", async (kind, generateKey) => {
    const identity = await authorities.root.issue({ subject: "CN=client", key: generateKey() });
    const presented = await askForAssertion(edge, { identity, tls }).catch(() => undefined);
    expect(presented?.tlsClientAuth.certVerified ?? "NONE").toBe("NONE");
    const explanation = await explain(identity, "usual");
    const reason = `the TLS handshake ends: no client signs it with a key of ${kind}`;
    expect(explanation).toMatchObject({ verified: false, reason });
    expect(failingChecks(explanation)).toEqual(["file"]);
  });

  it("a domain that is not active is named as the reason", async () => {
    const identity = await authorities.root.issue({ subject: "CN=client" });
    expect(
      (await ask(edge, { hostname: "unknown.test", identity, tls: { ...tls, rejectUnauthorized: false } })).status,
    ).toBe(421);
    const explanation = await explain(identity, "usual", "unknown.test");
    expect(explanation.reason).toBe("no CA certificate applies to this server name");
    expect(failingChecks(explanation)).toEqual(["domain"]);
  });
});
