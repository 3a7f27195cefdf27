/**
 * An attacker makes itself somebody else by what it presents beside its own certificate. Only certificate 0 of the list
 * says who a client is, and only to whom holds its key (RFC 8446, sections 4.4.2 and 4.4.3).
 */
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import type { EdgeAssertion } from "../../src/contract/edge-assertion.ts";
import { ask, type Identity } from "../edge/harness/client.ts";
import { HOST } from "../edge/harness/edge.ts";
import { chainOf } from "./harness/chains.ts";
import { type Stack, startStack } from "./harness/stack.ts";

let stack: Stack;
let mark: string;
let victim: IssuedCertificate;
beforeAll(async () => {
  stack = await startStack();
  victim = stack.client;
});
beforeEach(() => {
  mark = crypto.randomUUID();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** As whom the handler sees the client, and what an enforcing route answers. */
async function judge(identity: Identity, tls = {}) {
  const seen = await ask(stack, { identity, path: `/v1/optional?${mark}`, tls });
  const { user, clientMtlsVerificationStatus: status } = JSON.parse(seen.body);
  const enforced = await ask(stack, { identity, path: "/v1/example", tls });
  return { status, ...user?.data.mtlsAuth, enforced: enforced.status };
}

/** The uploaded CA certificates that the edge vouched for, on the request that {@link judge} made. */
async function readAnchors(): Promise<string[]> {
  const [seen] = await stack.recorded(mark);
  const assertion = decodeJwt<EdgeAssertion>(seen?.headers["sallyport-edge-assertion"] ?? "");
  expect(assertion).toMatchObject({ aud: HOST, account: "acme" });
  return assertion.trustAnchors.map(({ name }) => name);
}

const withChain = (own: IssuedCertificate, ...others: { certificatePem: string }[]): Identity => ({
  keyPem: own.keyPem,
  chainPem: chainOf(own, ...others),
});

/** The victim gets in with its own certificate and key. */
const expectControl = async () =>
  expect(await judge(victim)).toMatchObject({ status: "SUCCESS", subject: "CN=client,O=Example", enforced: 200 });

describe("appends to a certificate of its own making", () => {
  it.each<[string, () => Promise<Identity>]>([
    ["the victim's", async () => withChain(await (await rogueCa()).issue({ subject: "CN=rogue" }), victim)],
    [
      "the victim's and the CA certificate that issued it",
      async () => withChain(await (await rogueCa()).issue({ subject: "CN=rogue" }), victim, stack.acmeCa),
    ],
    [
      "the victim's, under the victim's name",
      async () => withChain(await createSelfSignedCertificate({ subject: victim.subject }), victim),
    ],
    [
      "the victim's, under the victim's name and an issuer of that name",
      async () => {
        const namesake = await createCertificateAuthority({ subject: stack.acmeCa.subject });
        return withChain(await namesake.issue({ subject: victim.subject }), victim, stack.acmeCa);
      },
    ],
    [
      "the uploaded CA certificate",
      async () => withChain(await createSelfSignedCertificate({ subject: "CN=rogue" }), stack.acmeCa),
    ],
  ])("%s: not verified", async (_, make) => {
    const identity = await make();
    const { fingerprint256 } = new X509Certificate(identity.chainPem);
    expect(await judge(identity)).toMatchObject({
      status: "FAILED",
      verified: false,
      sha256Fingerprint: fingerprint256,
      enforced: 401,
    });
    await expectControl();
  });

  const rogueCa = () => createCertificateAuthority({ subject: "CN=rogue-ca" });
});

describe("appends to a certificate that it was issued", () => {
  it.each<[string, () => { certificatePem: string }[]]>([
    ["the victim's", () => [victim]],
    ["the victim's, thirty times", () => Array.from({ length: 30 }, () => victim)],
    ["the CA certificate", () => [stack.acmeCa]],
    ["another account's client and CA", () => [stack.otherClient, stack.globexCa]],
    ["its own once more", () => []],
  ])("%s: it is who it was", async (_, makeOthers) => {
    const own = await stack.acmeCa.issue({ subject: "CN=low" });
    const others = makeOthers();
    expect(await judge(withChain(own, ...(others.length > 0 ? others : [own])))).toMatchObject({
      status: "SUCCESS",
      subject: "CN=low",
      sha256Fingerprint: new X509Certificate(own.certificatePem).fingerprint256,
    });
    expect(await readAnchors()).toEqual(["acme_ca"]);
  });

  it("another CA's client, to seem to come from that CA, which a route may pin: its own CA and no other", async () => {
    const { acme, ...others } = stack.accounts;
    const partnerCa = await createCertificateAuthority({ subject: "CN=partner-ca" });
    const caCertificates = { ...acme?.caCertificates, partner_ca: partnerCa };
    stack.trust.replace({ ...others, acme: { ...acme, caCertificates } });
    try {
      const intermediate = await partnerCa.issueIntermediate({ subject: "CN=partner-intermediate" });
      const partner = await intermediate.issue({ subject: "CN=partner" });
      expect(await judge(withChain(victim, partner, intermediate))).toMatchObject({ subject: "CN=client,O=Example" });
      expect(await readAnchors()).toEqual(["acme_ca"]);
      mark = crypto.randomUUID();
      expect(await judge(partner)).toMatchObject({ status: "SUCCESS", subject: "CN=partner" });
      expect(await readAnchors(), "the control").toEqual(["partner_ca"]);
    } finally {
      stack.trust.replace(stack.accounts);
    }
  });

  it("more than 32 others: not looked through", async () => {
    const own = await stack.acmeCa.issue({ subject: "CN=low" });
    const others = (count: number) => Array.from({ length: count }, () => victim);
    expect(await judge(withChain(own, ...others(33)))).toMatchObject({ status: "FAILED", enforced: 401 });
    expect(await judge(withChain(own, ...others(32)))).toMatchObject({ status: "SUCCESS", subject: "CN=low" });
  });

  it("one that it issued itself with it (RFC 5280, section 4.2.1.9): not verified", async () => {
    const leaf = { basicConstraints: { ca: false }, extendedKeyUsage: ["clientAuth" as const] };
    const own = await stack.acmeCa.issueIntermediate({ subject: "CN=low", keyUsage: ["digitalSignature"], ...leaf });
    expect(await judge(own)).toMatchObject({ status: "SUCCESS", subject: "CN=low" });
    const raised = await own.issue({ subject: "CN=admin,O=Example" });
    expect(await judge(withChain(raised, own))).toMatchObject({ status: "FAILED", verified: false, enforced: 401 });
  });
});

describe.each(["TLSv1.2", "TLSv1.3"] as const)("under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version };

  it("presents the victim's certificate and signs with a key of its own (CertificateVerify): no connection", async () => {
    const own = await stack.acmeCa.issue({ subject: "CN=low" });
    const forged = { chainPem: victim.chainPem, keyPem: pretendToBe(victim, own) };
    const before = stack.logEvents("handshake_failed").length;
    await expect(judge(forged, tls)).rejects.toThrow();
    expect((await stack.waitForLog("handshake_failed", before + 1)).at(-1)).toMatchObject({
      reason: expect.stringContaining("signature"),
    });
    expect(await stack.recorded(mark)).toEqual([]);
    await expectControl();
  });
});

/**
 * The key of `own` in a file that says it belonged to the public key of `other`: OpenSSL's client compares public keys only,
 * and so presents the certificate and signs with the wrong key.
 */
function pretendToBe(other: IssuedCertificate, own: IssuedCertificate): string {
  const der = createPrivateKey(own.keyPem).export({ type: "pkcs8", format: "der" });
  const [ownPoint, otherPoint] = [own, other].map(({ certificatePem }) =>
    createPublicKey(certificatePem).export({ type: "spki", format: "der" }).subarray(-65),
  ) as [Buffer, Buffer];
  const start = der.indexOf(ownPoint);
  if (start < 0) throw new Error("the key file has no public key in it");
  otherPoint.copy(der, start);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
}
