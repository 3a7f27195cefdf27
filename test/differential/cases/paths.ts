/** Ways from the leaf to a root: namesakes, cross-signatures, circles, identifiers that lead elsewhere, odd uploads. */
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../../fixtures/pki/damage.ts";
import { encodeTlv } from "../../../fixtures/pki/der.ts";
import { readDer } from "../../../src/x509/der.ts";
import { LONG_AGO, TOMORROW, YESTERDAY } from "../../explain/authorities.ts";
import { encodeExtension, forge, type Parts, takeApart } from "../forge.ts";
import { behindForged, forged, issue, send, type Table, underRoot } from "./case.ts";

const EXPIRED = { notBefore: LONG_AGO, notAfter: YESTERDAY };
const NO_CA = { basicConstraints: { ca: false } };
const NAME = "CN=example-ca,O=Example,C=US";
const ANONYMOUS = { authorityKeyIdentifier: false, subjectKeyIdentifier: false } as const;

/** Two intermediates of one name and key, the odd one first or last. */
async function withTwin(root: CertificateAuthority, odd: object, oddFirst: boolean) {
  const good = await root.issueIntermediate({ subject: "CN=twin" });
  const twin = await root.issueIntermediate({ subject: "CN=twin", key: good.keys, ...odd });
  return oddFirst ? send(await issue(good), twin, good) : send(await issue(good), good, twin);
}

/** The same, but the odd one has another key; without identifiers only the signature tells them apart. */
async function withNamesake(root: CertificateAuthority, oddFirst: boolean) {
  const good = await root.issueIntermediate({ subject: "CN=namesake", ...ANONYMOUS });
  const other = await root.issueIntermediate({ subject: "CN=namesake", ...ANONYMOUS });
  const client = await issue(good, ANONYMOUS);
  return oddFirst ? send(client, other, good) : send(client, good, other);
}

const TWINS: Table = {
  "an intermediate beside an expired one of its key, the right one first": ({ root }) => withTwin(root, EXPIRED, false),
  "an intermediate behind one of its key that is no CA": ({ root }) => withTwin(root, NO_CA, true),
  "an intermediate before one of its key that is no CA": ({ root }) => withTwin(root, NO_CA, false),
  "an intermediate behind one of its key for servers": ({ root }) =>
    withTwin(root, { extendedKeyUsage: ["serverAuth"] }, true),
  "an intermediate before one of its key for servers": ({ root }) =>
    withTwin(root, { extendedKeyUsage: ["serverAuth"] }, false),
  "an intermediate behind one of its key that is not yet valid": ({ root }) =>
    withTwin(root, { notBefore: TOMORROW }, true),
  "an intermediate behind a namesake without identifiers": ({ root }) => withNamesake(root, true),
  "an intermediate before a namesake without identifiers": ({ root }) => withNamesake(root, false),
  "an altered intermediate before the right one": async ({ intermediate }) =>
    send(await issue(intermediate), flipSignatureBit(intermediate), intermediate),
  "an altered intermediate after the right one": async ({ intermediate }) =>
    send(await issue(intermediate), intermediate, flipSignatureBit(intermediate)),
};

const CROSSED: Table = {
  "a stranger's cross-signature before the right one": async ({ root, rogue }) => {
    const between = await root.issueIntermediate({ subject: "CN=crossed" });
    return send(await issue(between), await rogue.crossSign(between), between);
  },
  "a stranger's cross-signature after the right one": async ({ root, rogue }) => {
    const between = await root.issueIntermediate({ subject: "CN=crossed" });
    return send(await issue(between), between, await rogue.crossSign(between));
  },
  "an expired cross-signature by an uploaded root beside the right one": async ({ root, other }) => {
    const between = await root.issueIntermediate({ subject: "CN=crossed" });
    const expired = await other.crossSign(between, EXPIRED);
    return { ...send(await issue(between), expired, between), roots: { root, other } };
  },
  "the new root signed by the old one, which is uploaded": async ({ root }) => {
    const next = await createCertificateAuthority({ subject: NAME });
    return send(await issue(next), await root.crossSign(next));
  },
  "the old root signed by the new one, which is uploaded": async ({ root }) => {
    const next = await createCertificateAuthority({ subject: NAME });
    return { ...send(await issue(root), await next.crossSign(root)), roots: { next } };
  },
  "two CAs that signed each other, neither uploaded": async ({ rogue }) => {
    const second = await createCertificateAuthority({ subject: "CN=second-rogue" });
    return send(await issue(rogue), await second.crossSign(rogue), await rogue.crossSign(second));
  },
  "two CAs that signed each other, one uploaded": async ({ root }) => {
    const second = await createCertificateAuthority({ subject: "CN=second-root" });
    return send(await issue(second), await root.crossSign(second), await second.crossSign(root));
  },
  "a key rollover certificate of the root's own name": async ({ root }) =>
    issue(await root.issueIntermediate({ subject: root.subject })),
  "a rollover certificate below a path length of 0": async () => {
    const root = await createCertificateAuthority({ subject: NAME, basicConstraints: { ca: true, pathLength: 0 } });
    return { ...(await issue(await root.issueIntermediate({ subject: root.subject }))), roots: { root } };
  },
};

const UPLOADS: Table = {
  "an expired root beside its renewal": async () => {
    const root = await createCertificateAuthority({ subject: NAME });
    const expired = await createCertificateAuthority({ subject: NAME, key: root.keys, ...EXPIRED });
    return { ...(await issue(root)), roots: { expired, root } };
  },
  "an expired root, its renewal sent along": async () => {
    const root = await createCertificateAuthority({ subject: NAME });
    const expired = await createCertificateAuthority({ subject: NAME, key: root.keys, ...EXPIRED });
    return { ...send(await issue(root), root), roots: { expired } };
  },
  "intermediate and root uploaded, only the leaf sent": async ({ root, intermediate }) => ({
    ...send(await issue(intermediate)),
    roots: { root, intermediate },
  }),
  "intermediate and another root uploaded": async ({ intermediate, other }) => ({
    ...(await issue(intermediate)),
    roots: { other, intermediate },
  }),
  "the leaf uploaded": async ({ rogue }) => {
    const client = await issue(rogue);
    return { ...client, roots: { client } };
  },
  "the leaf and its root uploaded": async ({ root }) => {
    const client = await issue(root);
    return { ...client, roots: { root, client } };
  },
  "a self-signed leaf uploaded": async () => {
    const client = await createSelfSignedCertificate({ subject: "CN=client" });
    return { ...client, roots: { client } };
  },
  "a self-signed leaf for servers uploaded": async () => {
    const client = await createSelfSignedCertificate({ subject: "CN=client", extendedKeyUsage: ["serverAuth"] });
    return { ...client, roots: { client } };
  },
  "an uploaded root with an altered signature": async ({ root }) => ({
    ...(await issue(root)),
    roots: { root: flipSignatureBit(root) },
  }),
  "a root uploaded twice": async ({ root }) => ({ ...(await issue(root)), roots: { root, again: root } }),
  "twenty roots of one name": async () => {
    const roots = await Promise.all(Array.from({ length: 20 }, () => createCertificateAuthority({ subject: NAME })));
    const last = roots.at(-1) as CertificateAuthority;
    return { ...(await issue(last)), roots: Object.fromEntries(roots.map((root, index) => [`root_${index}`, root])) };
  },
  "twenty roots of one name without identifiers": async () => {
    const options = { subject: NAME, ...ANONYMOUS };
    const roots = await Promise.all(Array.from({ length: 20 }, () => createCertificateAuthority(options)));
    const last = roots.at(-1) as CertificateAuthority;
    return {
      ...(await issue(last, ANONYMOUS)),
      roots: Object.fromEntries(roots.map((root, index) => [`root_${index}`, root])),
    };
  },
};

const AUTHORITY_KEY = encodeTlv(0x06, Uint8Array.of(0x55, 0x1d, 35));
const SUBJECT_KEY = encodeTlv(0x06, Uint8Array.of(0x55, 0x1d, 14));
const WRONG_KEY = Buffer.alloc(20, 0xee);

function replaceIdentifier(oid: Uint8Array, value: Uint8Array): (parts: Parts) => void {
  return (parts) => {
    parts.extensions = parts.extensions.filter((extension) => Buffer.from(extension).indexOf(oid) === -1);
    parts.extensions.push(encodeExtension(oid, value));
  };
}

/** authorityKeyIdentifier with [1] authorityCertIssuer and [2] authorityCertSerialNumber. */
async function withIssuerAndSerial(root: CertificateAuthority, name: Uint8Array, serialNumber: Uint8Array) {
  const value = encodeTlv(0x30, encodeTlv(0xa1, encodeTlv(0xa4, name)), encodeTlv(0x82, readDer(serialNumber).content));
  return forge(await issue(root), root.keys, replaceIdentifier(AUTHORITY_KEY, value));
}

const IDENTIFIERS: Table = {
  "an authority key identifier of another key": forged(
    replaceIdentifier(AUTHORITY_KEY, encodeTlv(0x30, encodeTlv(0x80, WRONG_KEY))),
  ),
  "an empty authority key identifier": forged(replaceIdentifier(AUTHORITY_KEY, encodeTlv(0x30))),
  "an authority key identifier with the issuer's name and serial number": ({ root }) => {
    const { issuer, serialNumber } = takeApart(root.der);
    return withIssuerAndSerial(root, issuer, serialNumber);
  },
  "an authority key identifier with another serial number": ({ root, other }) =>
    withIssuerAndSerial(root, takeApart(root.der).issuer, takeApart(other.der).serialNumber),
  "an authority key identifier with another name": ({ root, other }) =>
    withIssuerAndSerial(root, takeApart(other.der).issuer, takeApart(root.der).serialNumber),
  "an intermediate whose subject key identifier is another": behindForged(
    replaceIdentifier(SUBJECT_KEY, encodeTlv(0x04, WRONG_KEY)),
  ),
  "an intermediate whose subject key identifier is empty": behindForged(
    replaceIdentifier(SUBJECT_KEY, encodeTlv(0x04)),
  ),
  "an intermediate whose authority key identifier is another": behindForged(
    replaceIdentifier(AUTHORITY_KEY, encodeTlv(0x30, encodeTlv(0x80, WRONG_KEY))),
  ),
  "a root without identifiers": underRoot(ANONYMOUS),
  "a root whose subject key identifier is another": async ({ root }) => ({
    ...(await issue(root)),
    roots: { root: forge(root, root.keys, replaceIdentifier(SUBJECT_KEY, encodeTlv(0x04, WRONG_KEY))) },
  }),
};

export const PATHS: Table = { ...TWINS, ...CROSSED, ...UPLOADS, ...IDENTIFIERS };
