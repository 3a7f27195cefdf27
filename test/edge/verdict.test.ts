/**
 * Rules 1 and 2 of the verdict: which CA certificates anchor a chain, and what a client without one is. Every kind of
 * certificate and chain is judged in test/security/certificates.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { ask, askForAssertion } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);

let root: CertificateAuthority;
let intermediate: CertificateAuthority;
let edge: TestEdge;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { demo_ca: root } } } });
});
afterAll(() => edge[Symbol.asyncDispose]());

const leaf = (options: Partial<Parameters<CertificateAuthority["issue"]>[0]> = {}) =>
  root.issue({ subject: "CN=client", ...options });

it.each(["TLSv1.2", "TLSv1.3"] as const)("a connection without a certificate is NONE under %s", async (version) => {
  const assertion = await askForAssertion(edge, { tls: { minVersion: version, maxVersion: version } });
  expect(assertion.tlsClientAuth).toMatchObject({ certPresented: "0", certVerified: "NONE", certRFC9440: "" });
  expect(assertion.tls.version).toBe(version);
  expect(assertion.trustAnchors).toEqual([]);
});

describe("the trust set", () => {
  it("of another account does not count, although the edge serves both", async () => {
    const other = await createCertificateAuthority({ subject: "CN=other-ca" });
    await using both = await startTestEdge({
      accounts: {
        acme: { domains: [HOST], caCertificates: { demo_ca: root } },
        globex: { domains: ["b.test"], caCertificates: { other_ca: other } },
      },
    });
    const identity = await other.issue({ subject: "CN=client" });
    expect(await askForAssertion(both, { hostname: "b.test", identity })).toMatchObject({
      account: "globex",
      tlsClientAuth: { certVerified: "SUCCESS" },
    });
    expect(await askForAssertion(both, { identity })).toMatchObject({
      account: "acme",
      tlsClientAuth: { certVerified: "FAILED:unable to get local issuer certificate" },
    });
  });

  it("names both anchors of a cross-signed intermediate, in whatever order the client sends it", async () => {
    const second = await createCertificateAuthority({ subject: "CN=second-ca" });
    const crossed = await second.crossSign(intermediate);
    const client = await intermediate.issue({ subject: "CN=client" });
    const caCertificates = { demo_ca: root, second_ca: second };
    await using both = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates } } });
    for (const chain of [
      [intermediate, crossed],
      [crossed, intermediate],
    ]) {
      const identity = { ...client, chainPem: client.certificatePem + chain.map((ca) => ca.chainPem).join("") };
      const { trustAnchors } = await askForAssertion(both, { identity });
      expect(trustAnchors.map(({ name }) => name).sort()).toEqual(["demo_ca", "second_ca"]);
    }
  });

  it("with two certificates of one CA key names both", async () => {
    const renewed = await createCertificateAuthority({ subject: root.subject, key: root.keys });
    const caCertificates = { old_ca: root, new_ca: renewed };
    await using both = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates } } });
    const { trustAnchors } = await askForAssertion(both, { identity: await leaf() });
    expect(trustAnchors.map(({ name }) => name).sort()).toEqual(["new_ca", "old_ca"]);
  });

  it("accepts an uploaded CA that presents itself and may be a client", async () => {
    const allround = await createCertificateAuthority({ subject: "CN=allround", keyUsage: [] });
    await using own = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { allround } } } });
    const { tlsClientAuth, trustAnchors } = await askForAssertion(own, { identity: allround });
    expect(tlsClientAuth.certVerified).toBe("SUCCESS");
    expect(trustAnchors).toEqual([{ id: "mtlsca_allround", name: "allround" }]);
  });

  it("that is expired verifies nobody", async () => {
    const old = await createCertificateAuthority({ subject: "CN=old", notBefore: new Date(0), notAfter: YESTERDAY });
    await using late = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { old } } } });
    const { tlsClientAuth } = await askForAssertion(late, { identity: await old.issue({ subject: "CN=client" }) });
    expect(tlsClientAuth.certVerified).toBe("FAILED:certificate has expired");
  });
});

it("a bad certificate does not end the handshake: the request is answered", async () => {
  const rogue = await createSelfSignedCertificate({ subject: "CN=rogue" });
  expect((await ask(edge, { identity: rogue })).status).toBe(200);
});
