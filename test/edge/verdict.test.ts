/** Rules 1 and 2 of the verdict: every kind of certificate and chain, judged in a real handshake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import { ask, askForAssertion, type Identity } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);

/** A test client may hold what the library would not use by itself: the edge has to judge it, not the client. */
const LENIENT = "DEFAULT:@SECLEVEL=0";

let root: CertificateAuthority;
let intermediate: CertificateAuthority;
let edge: TestEdge;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { demo_ca: root } } } });
});
afterAll(() => edge[Symbol.asyncDispose]());

const chainOf = (...certificates: { certificatePem: string }[]) =>
  certificates.map(({ certificatePem }) => certificatePem).join("");

const leaf = (options: Partial<Parameters<CertificateAuthority["issue"]>[0]> = {}) =>
  root.issue({ subject: "CN=client", ...options });

const ACCEPTED: Record<string, () => Promise<Identity>> = {
  "a leaf of an uploaded CA": () => leaf(),
  "a leaf behind one intermediate": () => intermediate.issue({ subject: "CN=client" }),
  "a leaf behind two intermediates": async () => {
    const second = await intermediate.issueIntermediate({ subject: "CN=second" });
    return second.issue({ subject: "CN=client" });
  },
  "intermediates in the wrong order, with the root and a stranger among them": async () => {
    const second = await intermediate.issueIntermediate({ subject: "CN=second" });
    const client = await second.issue({ subject: "CN=client" });
    const stranger = await createCertificateAuthority({ subject: "CN=stranger" });
    return { ...client, chainPem: chainOf(client, root, stranger, intermediate, second) };
  },
  "a chain of depth 10": async () => {
    let authority = root;
    for (let depth = 0; depth < 9; depth++)
      authority = await authority.issueIntermediate({ subject: `CN=ca-${depth}` });
    return authority.issue({ subject: "CN=client" });
  },
  "no extended key usage": () => leaf({ extendedKeyUsage: [] }),
  "clientAuth among other usages": () => leaf({ extendedKeyUsage: ["serverAuth", "clientAuth"] }),
  "a version 1 certificate": () => leaf({ version: 1 }),
  "RSA 2048": () => leaf({ key: "rsa-2048" }),
  "RSA 4096": () => leaf({ key: "rsa-4096" }),
  "P-384": () => leaf({ key: "ec-p384" }),
  "P-521": () => leaf({ key: "ec-p521" }),
  Ed25519: () => leaf({ key: "ed25519" }),
  "RSA-PSS": () => leaf({ key: "rsa-pss-2048" }),
  "an issuer name in another case and with other spaces, as OpenSSL compares names": async () => {
    const other = await createCertificateAuthority({ subject: "CN=Example-CA,O=EXAMPLE ,C=US", key: root.keys });
    return other.issue({ subject: "CN=client" });
  },
};

const REJECTED: Record<string, [reason: string, make: () => Promise<Identity>]> = {
  "a leaf of a CA that nobody uploaded": [
    "unable to get local issuer certificate",
    async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issue({ subject: "CN=client" }),
  ],
  "a self-signed leaf": ["self-signed certificate", () => createSelfSignedCertificate({ subject: "CN=client" })],
  "a chain that brings its own root": [
    "self-signed certificate in certificate chain",
    async () => {
      const rogue = await createCertificateAuthority({ subject: "CN=rogue" });
      const client = await rogue.issue({ subject: "CN=client" });
      return { ...client, chainPem: chainOf(client, rogue) };
    },
  ],
  "a missing intermediate": [
    "unable to get local issuer certificate",
    async () => {
      const client = await intermediate.issue({ subject: "CN=client" });
      return { ...client, chainPem: client.certificatePem };
    },
  ],
  "an expired leaf": ["certificate has expired", () => leaf({ notBefore: new Date(0), notAfter: YESTERDAY })],
  "a leaf that is not yet valid": ["certificate is not yet valid", () => leaf({ notBefore: TOMORROW })],
  "an expired intermediate": [
    "certificate has expired",
    async () => {
      const old = await root.issueIntermediate({ subject: "CN=old", notBefore: new Date(0), notAfter: YESTERDAY });
      return old.issue({ subject: "CN=client" });
    },
  ],
  "a leaf for servers": ["unsuitable certificate purpose", () => leaf({ extendedKeyUsage: ["serverAuth"] })],
  "a leaf for any usage, which is not OpenSSL's idea of a client": [
    "unsuitable certificate purpose",
    () => leaf({ extendedKeyUsage: ["any"] }),
  ],
  "the name of an uploaded CA with another key": [
    "unable to get local issuer certificate",
    async () => (await createCertificateAuthority({ subject: root.subject })).issue({ subject: "CN=client" }),
  ],
  "the name and key identifier of an uploaded CA with another key": [
    "certificate signature failure",
    async () =>
      (await createCertificateAuthority({ subject: root.subject })).issue({
        subject: "CN=client",
        authorityKeyIdentifier: false,
      }),
  ],
  "an altered signature": ["certificate signature failure", async () => flipSignatureBit(await leaf())],
  "a path longer than an intermediate allows": [
    "path length constraint exceeded",
    async () => {
      const last = await root.issueIntermediate({ subject: "CN=last", basicConstraints: { ca: true, pathLength: 0 } });
      const beyond = await last.issueIntermediate({ subject: "CN=beyond" });
      return beyond.issue({ subject: "CN=client" });
    },
  ],
  // OpenSSL finds "invalid CA certificate" first; the last of several failures is the one that Node can tell.
  "an intermediate that is no CA": [
    "unsuitable certificate purpose",
    async () => {
      const fake = await root.issueIntermediate({ subject: "CN=fake", basicConstraints: { ca: false } });
      return fake.issue({ subject: "CN=client" });
    },
  ],
  "a name outside the constraints of its intermediate": [
    "permitted subtree violation",
    async () => {
      const limited = await root.issueIntermediate({
        subject: "CN=limited",
        nameConstraints: { permitted: ["dns:example.com"] },
      });
      return limited.issue({ subject: "CN=client", subjectAlternativeNames: ["dns:example.org"] });
    },
  ],
  "an unknown critical extension": [
    "unhandled critical extension",
    () => leaf({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
  ],
  "an uploaded CA as client, which says that it only signs certificates": [
    "unsuitable certificate purpose",
    async () => root,
  ],
  "RSA 1024": ["EE certificate key too weak", () => leaf({ key: "rsa-1024" })],
  "a SHA-1 signature": ["CA signature digest algorithm too weak", () => leaf({ signatureHash: "sha1" })],
};

describe.each(["TLSv1.2", "TLSv1.3"] as const)("under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version, ciphers: LENIENT };

  it("a connection without a certificate is NONE", async () => {
    const assertion = await askForAssertion(edge, { tls });
    expect(assertion.tlsClientAuth).toMatchObject({ certPresented: "0", certVerified: "NONE", certRFC9440: "" });
    expect(assertion.tls.version).toBe(version);
    expect(assertion.trustAnchors).toEqual([]);
  });

  it.each(Object.entries(ACCEPTED))("SUCCESS: %s", async (_, make) => {
    const { tlsClientAuth, trustAnchors } = await askForAssertion(edge, { identity: await make(), tls });
    expect(tlsClientAuth).toMatchObject({ certPresented: "1", certVerified: "SUCCESS" });
    expect(trustAnchors).toEqual([{ id: "mtlsca_demo_ca", name: "demo_ca" }]);
  });

  it.each(Object.entries(REJECTED))("FAILED: %s", async (_, [reason, make]) => {
    const { tlsClientAuth, trustAnchors } = await askForAssertion(edge, { identity: await make(), tls });
    expect(tlsClientAuth).toMatchObject({ certPresented: "1", certVerified: `FAILED:${reason}` });
    expect(trustAnchors).toEqual([]);
  });
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

it("only certificate 0 says who the client is", async () => {
  const rogue = await createCertificateAuthority({ subject: "CN=rogue" });
  const client = await rogue.issue({ subject: "CN=me" });
  const innocent = await leaf({ subject: "CN=somebody" });
  const identity = { ...client, chainPem: chainOf(client, innocent) };
  const { tlsClientAuth } = await askForAssertion(edge, { identity });
  expect(tlsClientAuth).toMatchObject({
    certSubjectDN: "CN=me",
    certVerified: "FAILED:unable to get local issuer certificate",
  });
});

it("a bad certificate does not end the handshake: the request is answered", async () => {
  const rogue = await createSelfSignedCertificate({ subject: "CN=rogue" });
  expect((await ask(edge, { identity: rogue })).status).toBe(200);
});
