/** Certificates and chains of every kind, each with what a client needs to present it and the checks that must fail. */

import type { CheckName } from "../../cli/explain/checks.ts";
import type { CertificateOptions } from "../../fixtures/pki/certificate.ts";
import {
  type CertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import type { Identity } from "../edge/harness/client.ts";
import { type Authorities, type HostName, LONG_AGO, TOMORROW, YESTERDAY } from "./authorities.ts";

export interface Case {
  name: string;
  host: HostName;
  make: (authorities: Authorities) => Promise<Identity>;
  /** The checks that explain a failure; none when it verifies */
  failing: CheckName[];
}

type Make = Case["make"];
type Rows = Record<string, [make: Make, ...failing: CheckName[]]>;

function casesOf(host: HostName, rows: Rows): Case[] {
  return Object.entries(rows).map(([name, [make, ...failing]]) => ({ name, host, make, failing }));
}

/** A leaf of the usual root. */
const leaf =
  (options: Partial<CertificateOptions> = {}): Make =>
  ({ root }) =>
    root.issue({ subject: "CN=client", ...options });

/** A leaf of another authority. */
const under =
  (name: keyof Authorities, options: Partial<CertificateOptions> = {}): Make =>
  (authorities) =>
    authorities[name].issue({ subject: "CN=client", ...options });

/** A leaf behind an intermediate of the usual root. */
const behind =
  (intermediate: Partial<CertificateOptions>, options: Partial<CertificateOptions> = {}): Make =>
  async ({ root }) => {
    const authority = await root.issueIntermediate({ subject: "CN=between", ...intermediate });
    return authority.issue({ subject: "CN=client", ...options });
  };

/** The first one's key with these certificates in this order. */
function send(first: IssuedCertificate, ...others: { certificatePem: string }[]): Identity {
  const chainPem = [first, ...others].map(({ certificatePem }) => certificatePem).join("");
  return { keyPem: first.keyPem, chainPem };
}

async function issueUnder(authority: CertificateAuthority, options: Partial<CertificateOptions> = {}) {
  return authority.issue({ subject: "CN=client", ...options });
}

const KEYS: Rows = {
  "EC P-256": [leaf()],
  "EC P-384": [leaf({ key: "ec-p384" })],
  "EC P-521": [leaf({ key: "ec-p521" })],
  Ed25519: [leaf({ key: "ed25519" })],
  "RSA 2048": [leaf({ key: "rsa-2048" })],
  "RSA 3072": [leaf({ key: "rsa-3072" })],
  "RSA-PSS 2048": [leaf({ key: "rsa-pss-2048" })],
  "RSA 1024": [leaf({ key: "rsa-1024" }), "strength"],
  "RSA-PSS 1024": [leaf({ key: "rsa-pss-1024" }), "strength"],
  "a leaf of an RSA root": [under("rsaRoot")],
  "a leaf of an RSA root, signed with PSS": [under("rsaRoot", { signaturePadding: "pss" })],
  "a leaf of an RSA root, SHA-512": [under("rsaRoot", { signatureHash: "sha512" })],
  "a leaf of an RSA root, SHA-1": [under("rsaRoot", { signatureHash: "sha1" }), "strength"],
  "a leaf of an RSA root, PSS with SHA-1": [
    under("rsaRoot", { signatureHash: "sha1", signaturePadding: "pss" }),
    "strength",
  ],
  "an Ed25519 leaf of an Ed25519 root": [under("edRoot", { key: "ed25519" })],
  "an RSA leaf of an Ed25519 root": [under("edRoot", { key: "rsa-2048" })],
  "a leaf of an RSA-PSS root": [under("pssRoot")],
  "a leaf of another uploaded CA": [under("other")],
  "ECDSA with SHA-384": [leaf({ signatureHash: "sha384" })],
  "ECDSA with SHA-1": [leaf({ signatureHash: "sha1" }), "strength"],
  "an intermediate with RSA 1024": [behind({ key: "rsa-1024" }), "strength"],
  "an intermediate signed with SHA-1": [behind({ signatureHash: "sha1" }), "strength"],
  "an intermediate with Ed25519": [behind({ key: "ed25519" })],
  "an intermediate with P-521": [behind({ key: "ec-p521" })],
};

const VALIDITY: Rows = {
  "an expired leaf": [leaf({ notBefore: LONG_AGO, notAfter: YESTERDAY }), "validity"],
  "a leaf that is not yet valid": [leaf({ notBefore: TOMORROW }), "validity"],
  "a leaf whose time ends before it begins": [leaf({ notBefore: TOMORROW, notAfter: YESTERDAY }), "validity"],
  "a leaf that is valid until 9999": [leaf({ notAfter: new Date("9999-12-31T23:59:59Z") })],
  "a leaf that is valid since 1950": [leaf({ notBefore: new Date("1950-01-01T00:00:00Z") })],
  "an expired intermediate": [behind({ notBefore: LONG_AGO, notAfter: YESTERDAY }), "validity"],
  "an intermediate that is not yet valid": [behind({ notBefore: TOMORROW }), "validity"],
  "an expired intermediate beside its renewal": [
    async ({ root }) => {
      const renewal = await root.issueIntermediate({ subject: "CN=between" });
      const dates = { notBefore: LONG_AGO, notAfter: YESTERDAY };
      const expired = await root.issueIntermediate({ subject: "CN=between", key: renewal.keys, ...dates });
      return send(await issueUnder(renewal), renewal, expired);
    },
  ],
  "an expired certificate that is not on the way": [
    async ({ root, rogue }) => {
      const expired = await rogue.issue({ subject: "CN=x", notBefore: LONG_AGO, notAfter: YESTERDAY });
      return send(await issueUnder(root), expired);
    },
  ],
  "an expired server certificate": [
    leaf({ notBefore: LONG_AGO, notAfter: YESTERDAY, extendedKeyUsage: ["serverAuth"] }),
    "validity",
    "purpose",
  ],
};

const PURPOSE: Rows = {
  "no extended key usage": [leaf({ extendedKeyUsage: [] })],
  "clientAuth among others": [leaf({ extendedKeyUsage: ["serverAuth", "clientAuth", "emailProtection"] })],
  serverAuth: [leaf({ extendedKeyUsage: ["serverAuth"] }), "purpose"],
  codeSigning: [leaf({ extendedKeyUsage: ["codeSigning"] }), "purpose"],
  emailProtection: [leaf({ extendedKeyUsage: ["emailProtection"] }), "purpose"],
  "any usage": [leaf({ extendedKeyUsage: ["any"] }), "purpose"],
  "any usage and clientAuth": [leaf({ extendedKeyUsage: ["any", "clientAuth"] })],
  "no key usage": [leaf({ keyUsage: [] })],
  "key usage keyAgreement": [leaf({ keyUsage: ["keyAgreement"] })],
  "key usage keyEncipherment": [leaf({ keyUsage: ["keyEncipherment"] }), "purpose"],
  "key usage keyCertSign": [leaf({ keyUsage: ["keyCertSign"] }), "purpose"],
  "an intermediate for servers": [behind({ extendedKeyUsage: ["serverAuth"] }), "purpose"],
  "an intermediate for clients": [behind({ extendedKeyUsage: ["clientAuth"] })],
  "a leaf without basic constraints": [leaf({ basicConstraints: "none" })],
  "a leaf that is a CA": [leaf({ basicConstraints: { ca: true } })],
  "a version 1 leaf": [leaf({ version: 1 })],
  "an uploaded root as client": [async ({ root }) => root, "purpose"],
  "an intermediate as client": [async ({ intermediate, root }) => send(intermediate, root), "purpose"],
};

const CHAINS: Rows = {
  "behind an intermediate": [under("intermediate")],
  "behind two intermediates": [under("second")],
  "intermediates in the wrong order": [
    async ({ second, intermediate }) => send(await issueUnder(second), intermediate, second),
  ],
  "intermediates with the root and strangers among them": [
    async ({ second, intermediate, root, rogue, other }) =>
      send(await issueUnder(second), root, rogue, intermediate, other, second),
  ],
  "the root sent along": [async ({ root }) => send(await issueUnder(root), root)],
  "the leaf twice": [
    async ({ root }) => {
      const client = await issueUnder(root);
      return send(client, client);
    },
  ],
  "an intermediate twice": [
    async ({ intermediate }) => send(await issueUnder(intermediate), intermediate, intermediate),
  ],
  "another client's certificate appended": [
    async ({ root }) => send(await issueUnder(root), await issueUnder(root, { subject: "CN=somebody" })),
  ],
  "a path of ten": [
    async ({ root }) => {
      let authority = root;
      for (let depth = 0; depth < 9; depth++) {
        authority = await authority.issueIntermediate({ subject: `CN=ca-${depth}` });
      }
      return issueUnder(authority);
    },
  ],
  "32 strangers": [async ({ root, rogue }) => send(await issueUnder(root), ...Array.from({ length: 32 }, () => rogue))],
  "33 strangers": [
    async ({ root, rogue }) => send(await issueUnder(root), ...Array.from({ length: 33 }, () => rogue)),
    "chain",
  ],
  "a missing intermediate": [async ({ intermediate }) => send(await issueUnder(intermediate)), "chain"],
  "the upper of two intermediates missing": [async ({ second }) => send(await issueUnder(second), second), "chain"],
  "the lower of two intermediates missing": [
    async ({ second, intermediate }) => send(await issueUnder(second), intermediate),
    "chain",
  ],
  "the wrong intermediate": [
    async ({ intermediate, rogue }) =>
      send(await issueUnder(intermediate), await rogue.issueIntermediate({ subject: "CN=another" })),
    "chain",
  ],
  "a CA that nobody uploaded": [under("rogue"), "chain"],
  "a CA that nobody uploaded, sent along": [async ({ rogue }) => send(await issueUnder(rogue), rogue), "chain"],
  "a CA that nobody uploaded, its intermediate sent along": [
    async ({ rogue }) => issueUnder(await rogue.issueIntermediate({ subject: "CN=rogue-between" })),
    "chain",
  ],
  "a self-signed leaf": [() => createSelfSignedCertificate({ subject: "CN=client" }), "chain"],
  "a self-signed leaf that may sign certificates": [
    () => createSelfSignedCertificate({ subject: "CN=client", keyUsage: ["digitalSignature", "keyCertSign"] }),
    "chain",
  ],
  "a self-signed version 1 leaf": [() => createSelfSignedCertificate({ subject: "CN=client", version: 1 }), "chain"],
  "a self-signed leaf with the name of an uploaded CA": [
    ({ root }) => createSelfSignedCertificate({ subject: root.subject, authorityKeyIdentifier: false }),
    "chain",
  ],
  "an uploaded CA's name with another key": [under("namesake"), "chain"],
  "an uploaded CA's name with another key, without key identifiers": [
    under("namesake", { authorityKeyIdentifier: false }),
    "signature",
  ],
  "an uploaded CA's name with another key, sent along": [
    async ({ namesake }) => send(await issueUnder(namesake), namesake),
    "chain",
  ],
  "an intermediate's name with another key beside the right one": [
    async ({ root, intermediate }) => {
      const twin = await root.issueIntermediate({ subject: intermediate.subject });
      return send(await issueUnder(intermediate), twin, intermediate);
    },
  ],
  "an intermediate's name with another key alone": [
    async ({ root, intermediate }) =>
      send(await issueUnder(intermediate), await root.issueIntermediate({ subject: intermediate.subject })),
    "chain",
  ],
  "without key identifiers": [leaf({ authorityKeyIdentifier: false, subjectKeyIdentifier: false })],
  "an intermediate without key identifiers": [behind({ authorityKeyIdentifier: false, subjectKeyIdentifier: false })],
  "an issuer name in other case and with other spaces": [
    async ({ root }) => {
      const spelled = await root.crossSign(root, { subject: "CN=Example-CA, O=EXAMPLE ,C=US" });
      return send(await issueUnder(spelled));
    },
  ],
  "a cross-signed intermediate, both certificates": [
    async ({ other, intermediate }) =>
      send(await issueUnder(intermediate), intermediate, await other.crossSign(intermediate)),
  ],
  "a cross-signed intermediate, the other certificate": [
    async ({ other, intermediate }) => send(await issueUnder(intermediate), await other.crossSign(intermediate)),
  ],
  "a cross-signed intermediate, one of them by a stranger": [
    async ({ rogue, intermediate }) =>
      send(await issueUnder(intermediate), await rogue.crossSign(intermediate), intermediate),
    "chain",
  ],
  "a root cross-signed by a stranger": [
    async ({ root, rogue }) => send(await issueUnder(root), await rogue.crossSign(root)),
  ],
  "an altered signature": [async ({ root }) => flipSignatureBit(await issueUnder(root)), "signature"],
  "an intermediate with an altered signature": [
    async ({ root }) => {
      const between = await root.issueIntermediate({ subject: "CN=between" });
      return send(await issueUnder(between), flipSignatureBit(between));
    },
    "signature",
  ],
  "the intermediate before the leaf": [
    async ({ intermediate }) => send(intermediate, await issueUnder(intermediate)),
    "order",
    "purpose",
  ],
  "the whole chain upside down": [
    async ({ root, intermediate }) => send(root, intermediate, await issueUnder(intermediate)),
    "order",
    "purpose",
  ],
};

const AUTHORITY: Rows = {
  "an intermediate that is no CA": [behind({ basicConstraints: { ca: false } }), "authority"],
  "an intermediate without basic constraints": [behind({ basicConstraints: "none" }), "authority"],
  "an intermediate that may not sign certificates": [behind({ keyUsage: ["cRLSign"] }), "authority"],
  "an intermediate without key usage": [behind({ keyUsage: [] })],
  "a version 1 intermediate": [behind({ version: 1 }), "authority"],
  "a leaf issued by a leaf": [
    async ({ root }) => {
      const client = await root.issueIntermediate({
        subject: "CN=client",
        basicConstraints: { ca: false },
        keyUsage: ["digitalSignature"],
      });
      return client.issue({ subject: "CN=other" });
    },
    "authority",
  ],
  "a path length of 0 kept": [behind({ basicConstraints: { ca: true, pathLength: 0 } })],
  "a path length of 0 broken": [
    async ({ root }) => {
      const last = await root.issueIntermediate({ subject: "CN=last", basicConstraints: { ca: true, pathLength: 0 } });
      return issueUnder(await last.issueIntermediate({ subject: "CN=beyond" }));
    },
    "authority",
  ],
  "a path length of 1 broken": [
    async ({ root }) => {
      const first = await root.issueIntermediate({ subject: "CN=one", basicConstraints: { ca: true, pathLength: 1 } });
      const second = await first.issueIntermediate({ subject: "CN=two" });
      return issueUnder(await second.issueIntermediate({ subject: "CN=three" }));
    },
    "authority",
  ],
};

const permitted = (name: `dns:${string}`) => ({ nameConstraints: { permitted: [name] } });
const excluded = (name: `dns:${string}` | `email:${string}` | `dirName:${string}`) => ({
  nameConstraints: { excluded: [name] },
});

const CONSTRAINTS: Rows = {
  "a name inside the constraints": [
    behind(permitted("dns:example.com"), { subjectAlternativeNames: ["dns:client.example.com"] }),
  ],
  "a name outside the constraints": [
    behind(permitted("dns:example.com"), { subjectAlternativeNames: ["dns:example.org"] }),
    "constraints",
  ],
  "an excluded name": [
    behind(excluded("dns:example.com"), { subjectAlternativeNames: ["dns:example.com"] }),
    "constraints",
  ],
  "an excluded mail address": [
    behind(excluded("email:example.com"), { subjectAlternativeNames: ["email:me@example.com"] }),
    "constraints",
  ],
  "an excluded subject": [behind(excluded("dirName:O=Evil"), { subject: "CN=client,O=Evil" }), "constraints"],
  "an unknown critical extension": [
    leaf({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
    "constraints",
  ],
  "an unknown extension": [leaf({ extensions: [{ oid: "2.999.7", value: Buffer.from("0500", "hex") }] })],
  "an unknown critical extension in an intermediate": [
    behind({ extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from("0500", "hex") }] }),
    "constraints",
  ],
  "an extension that occurs twice": [
    leaf({ extensions: Array.from({ length: 2 }, () => ({ oid: "2.999.1", value: Buffer.from("0500", "hex") })) }),
    "file",
  ],
};

const NAMES: Rows = {
  "no name": [leaf({ subject: "" })],
  "an empty value": [leaf({ subject: "CN=,O=" })],
  "commas, quotes and plus signs": [leaf({ subject: 'CN=Doe\\, John \\"JD\\"\\+,O=A\\;B\\\\C' })],
  "line feeds that look like another name": [leaf({ subject: "CN=me\\0ACN=admin" })],
  "an emoji and letters of two directions": [leaf({ subject: "CN=🔑 שלום ♥" })],
  "a repeated common name": [leaf({ subject: "CN=a,CN=b,CN=c" })],
  "a multi-valued RDN": [leaf({ subject: "CN=a+OU=b,O=c" })],
  "a NUL": [leaf({ subject: [{ type: "CN", value: Uint8Array.of(0x61, 0, 0x62) }] })],
  "30,000 characters": [leaf({ subject: `CN=${"x".repeat(30_000)}` })],
  "an issuer with an odd name": [behind({ subject: "CN=Int\\, \\23 1+OU=ü,O= x" })],
  "a long serial number": [leaf({ serialNumber: 2n ** 300n })],
  "a serial number of 0": [leaf({ serialNumber: 0n })],
};

const SIZES: Rows = {
  "the largest leaf that is forwarded": [leaf({ sizeBytes: 7_677 })],
  "a leaf that is too large to be forwarded": [leaf({ sizeBytes: 10_241 })],
  "a leaf of 64 KiB": [leaf({ sizeBytes: 65_536 })],
  "an expired leaf of 64 KiB": [
    leaf({ sizeBytes: 65_536, notBefore: LONG_AGO, notAfter: YESTERDAY }),
    "validity",
    "size",
  ],
};

const ODD_ROOTS: Rows = {
  "a leaf of an expired root": [under("expiredRoot"), "validity"],
  "a leaf of a root that is not yet valid": [under("futureRoot"), "validity"],
  "a leaf of a root with RSA 1024": [under("weakRoot"), "strength"],
  "a leaf of a root that allows no intermediate": [under("shortRoot")],
  "an intermediate of a root that allows none": [
    async ({ shortRoot }) => issueUnder(await shortRoot.issueIntermediate({ subject: "CN=beyond" })),
    "authority",
  ],
  "a leaf of a version 1 root": [under("oldRoot")],
  "a leaf of a root that may not sign certificates": [under("signlessRoot"), "authority"],
  "a leaf of a root with name constraints": [
    under("constrainedRoot", { subjectAlternativeNames: ["dns:a.example.com"] }),
  ],
  "a leaf outside its root's name constraints": [
    under("constrainedRoot", { subjectAlternativeNames: ["dns:a.example.org"] }),
    "constraints",
  ],
  "a leaf of a root for servers": [under("serverRoot"), "purpose"],
  "a root that may be a client": [async ({ allround }) => allround],
  "an expired root as client": [async ({ expiredRoot }) => expiredRoot, "validity", "purpose"],
};

const ROTATION: Rows = {
  "a leaf of the first root of a name": [under("oldKey")],
  "a leaf of the second root of a name": [under("newKey")],
  "a leaf of the first root of a name, without key identifiers": [under("oldKey", { authorityKeyIdentifier: false })],
  "a leaf of the second root of a name, without key identifiers": [under("newKey", { authorityKeyIdentifier: false })],
  "an altered leaf of a rotated CA": [async ({ newKey }) => flipSignatureBit(await issueUnder(newKey)), "signature"],
};

export const CASES: readonly Case[] = [
  ...casesOf("usual", {
    ...KEYS,
    ...VALIDITY,
    ...PURPOSE,
    ...CHAINS,
    ...AUTHORITY,
    ...CONSTRAINTS,
    ...NAMES,
    ...SIZES,
  }),
  ...casesOf("odd", ODD_ROOTS),
  ...casesOf("rotation", ROTATION),
  ...casesOf("renewal", { "two certificates of one CA key": [leaf()] }),
  ...casesOf("intermediateOnly", {
    "an intermediate uploaded, its leaf": [async ({ intermediate }) => send(await issueUnder(intermediate)), "chain"],
    "an intermediate uploaded, the root sent along": [
      async ({ intermediate, root }) => send(await issueUnder(intermediate), intermediate, root),
      "chain",
    ],
  }),
  ...casesOf("empty", { "nothing uploaded": [leaf(), "uploads", "chain"] }),
];
