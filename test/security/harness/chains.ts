/** Client certificates and chains of every kind that a client may come with, and what is to be made of each. */
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../../fixtures/pki/damage.ts";
import type { Identity } from "../../edge/harness/client.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);

type Make = (root: CertificateAuthority) => Promise<Identity>;
type LeafOptions = Partial<Parameters<CertificateAuthority["issue"]>[0]>;

const CLIENT = { subject: "CN=client" } as const;

export function chainOf(...certificates: { certificatePem: string }[]): string {
  return certificates.map(({ certificatePem }) => certificatePem).join("");
}

function leaf(options: LeafOptions = {}): Make {
  return (root) => root.issue({ ...CLIENT, ...options });
}

async function issueChain(root: CertificateAuthority, depth: number): Promise<CertificateAuthority> {
  let authority = root;
  for (let index = 0; index < depth; index++)
    authority = await authority.issueIntermediate({ subject: `CN=ca-${index}` });
  return authority;
}

export const ACCEPTED: Record<string, Make> = {
  "a leaf of an uploaded CA": leaf(),
  "a leaf behind one intermediate": async (root) => (await issueChain(root, 1)).issue(CLIENT),
  "a leaf behind two intermediates": async (root) => (await issueChain(root, 2)).issue(CLIENT),
  "a chain of depth 10": async (root) => (await issueChain(root, 9)).issue(CLIENT),
  "intermediates in the wrong order, with the root and a stranger among them (RFC 8446, section 4.4.2)": async (
    root,
  ) => {
    const first = await root.issueIntermediate({ subject: "CN=first" });
    const second = await first.issueIntermediate({ subject: "CN=second" });
    const client = await second.issue(CLIENT);
    const stranger = await createCertificateAuthority({ subject: "CN=stranger" });
    return { ...client, chainPem: chainOf(client, root, stranger, first, second) };
  },
  "no extended key usage": leaf({ extendedKeyUsage: [] }),
  "clientAuth among other usages": leaf({ extendedKeyUsage: ["serverAuth", "clientAuth"] }),
  "a version 1 certificate": leaf({ version: 1 }),
  "RSA 2048": leaf({ key: "rsa-2048" }),
  "RSA 4096": leaf({ key: "rsa-4096" }),
  "RSA-PSS": leaf({ key: "rsa-pss-2048" }),
  "P-384": leaf({ key: "ec-p384" }),
  "P-521": leaf({ key: "ec-p521" }),
  Ed25519: leaf({ key: "ed25519" }),
  "an issuer name in another case and with other spaces, as OpenSSL compares names (RFC 5280, section 7.1)": async (
    root,
  ) => {
    const other = await createCertificateAuthority({ subject: "CN=Example-CA,O=EXAMPLE ,C=US", key: root.keys });
    return other.issue(CLIENT);
  },
};

export const REJECTED: Record<string, [reason: string, make: Make]> = {
  "a leaf of a CA that nobody uploaded": [
    "unable to get local issuer certificate",
    async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issue(CLIENT),
  ],
  "a self-signed leaf": ["self-signed certificate", () => createSelfSignedCertificate(CLIENT)],
  "a self-signed leaf with the name of an uploaded CA": [
    "self-signed certificate",
    (root) => createSelfSignedCertificate({ subject: root.subject }),
  ],
  "a chain that brings its own root": [
    "self-signed certificate in certificate chain",
    async () => {
      const rogue = await createCertificateAuthority({ subject: "CN=rogue" });
      const client = await rogue.issue(CLIENT);
      return { ...client, chainPem: chainOf(client, rogue) };
    },
  ],
  "a missing intermediate": [
    "unable to get local issuer certificate",
    async (root) => {
      const client = await (await issueChain(root, 1)).issue(CLIENT);
      return { ...client, chainPem: client.certificatePem };
    },
  ],
  "an expired leaf": ["certificate has expired", leaf({ notBefore: new Date(0), notAfter: YESTERDAY })],
  "a leaf that is not yet valid": ["certificate is not yet valid", leaf({ notBefore: TOMORROW })],
  "an expired intermediate": [
    "certificate has expired",
    async (root) => {
      const old = await root.issueIntermediate({ subject: "CN=old", notBefore: new Date(0), notAfter: YESTERDAY });
      return old.issue(CLIENT);
    },
  ],
  "a leaf for servers (Envoy CVE-2022-21657)": [
    "unsuitable certificate purpose",
    leaf({ extendedKeyUsage: ["serverAuth"] }),
  ],
  "a leaf for any usage, which is not OpenSSL's idea of a client": [
    "unsuitable certificate purpose",
    leaf({ extendedKeyUsage: ["any"] }),
  ],
  "the name of an uploaded CA with another key": [
    "unable to get local issuer certificate",
    async (root) => (await createCertificateAuthority({ subject: root.subject })).issue(CLIENT),
  ],
  "the name of an uploaded CA with another key, and no key identifier to tell": [
    "certificate signature failure",
    async (root) =>
      (await createCertificateAuthority({ subject: root.subject })).issue({ ...CLIENT, authorityKeyIdentifier: false }),
  ],
  "a signature that was altered": [
    "certificate signature failure",
    async (root) => flipSignatureBit(await root.issue(CLIENT)),
  ],
  "a path longer than an intermediate allows (RFC 5280, section 4.2.1.9)": [
    "path length constraint exceeded",
    async (root) => {
      const last = await root.issueIntermediate({ subject: "CN=last", basicConstraints: { ca: true, pathLength: 0 } });
      return (await last.issueIntermediate({ subject: "CN=beyond" })).issue(CLIENT);
    },
  ],
  // OpenSSL finds "invalid CA certificate" first; the last of several failures is the one that Node can tell.
  "CA:FALSE in the middle: an intermediate that is a leaf": [
    "unsuitable certificate purpose",
    async (root) => {
      const fake = await root.issueIntermediate({ subject: "CN=fake", basicConstraints: { ca: false } });
      return fake.issue(CLIENT);
    },
  ],
  "an intermediate that may not sign certificates": [
    "key usage does not include certificate signing",
    async (root) =>
      (await root.issueIntermediate({ subject: "CN=mute", keyUsage: ["digitalSignature"] })).issue(CLIENT),
  ],
  "a name outside the constraints of its intermediate (RFC 5280, section 4.2.1.10)": [
    "permitted subtree violation",
    async (root) => {
      const nameConstraints = { permitted: ["dns:example.com" as const] };
      const limited = await root.issueIntermediate({ subject: "CN=limited", nameConstraints });
      return limited.issue({ ...CLIENT, subjectAlternativeNames: ["dns:example.org"] });
    },
  ],
  "a name that its intermediate excludes": [
    "excluded subtree violation",
    async (root) => {
      const nameConstraints = { excluded: ["dns:example.com" as const] };
      const limited = await root.issueIntermediate({ subject: "CN=limited", nameConstraints });
      return limited.issue({ ...CLIENT, subjectAlternativeNames: ["dns:a.example.com"] });
    },
  ],
  "an unknown critical extension": [
    "unhandled critical extension",
    leaf({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
  ],
  "an uploaded CA as client, which says that it only signs certificates": [
    "unsuitable certificate purpose",
    async (root) => root,
  ],
  "RSA 1024": ["EE certificate key too weak", leaf({ key: "rsa-1024" })],
  "a SHA-1 signature": ["CA signature digest algorithm too weak", leaf({ signatureHash: "sha1" })],
};
