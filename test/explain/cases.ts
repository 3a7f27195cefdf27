/** Certificates and chains of every kind, each with what a client needs to present it and the checks that must fail. */

import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import { LONG_AGO, TOMORROW, YESTERDAY } from "./authorities.ts";
import { behind, type Case, casesOf, issueUnder, leaf, type Rows, send, under } from "./case.ts";
import { AUTHORITY, CHAINS, CONSTRAINTS } from "./chain-cases.ts";

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
