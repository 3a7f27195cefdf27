/** Keys and signatures: too weak, unusual, of no use for signing, or not what the certificate says that they are. */
import { generateKeyPairSync, sign } from "node:crypto";
import { createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import { encodeTlv } from "../../../fixtures/pki/der.ts";
import type { KeyPair } from "../../../fixtures/pki/keys.ts";
import { type Forger, forge, forgerOf } from "../forge.ts";
import { issue, type Kit, leaf, send, type Table, underRoot } from "./case.ts";

/** Content octets of 1.2.840.113549.1.1 (PKCS #1); the last arc says which algorithm */
const PKCS1 = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const NULL = Uint8Array.of(0x05, 0x00);
const algorithm = (oid: number[], parameters: Uint8Array = new Uint8Array()) =>
  encodeTlv(0x30, encodeTlv(0x06, Uint8Array.from(oid)), parameters);

const DIGESTS = { md5: 4, sha1: 5, sha224: 14, sha256: 11 } as const;
function pkcs1({ privateKey }: KeyPair, digest: keyof typeof DIGESTS, parameters: Uint8Array = NULL): Forger {
  return {
    algorithm: algorithm([...PKCS1, DIGESTS[digest]], parameters),
    sign: (data) => sign(digest, data, privateKey),
  };
}

const underRsa =
  (make: (keys: KeyPair) => Forger) =>
  async ({ rsaRoot }: Kit) => ({
    ...forge(await issue(rsaRoot), make(rsaRoot.keys)),
    roots: { rsa_root: rsaRoot },
  });

async function withRsaIntermediate({ root, rsaKeys }: Kit, digest: keyof typeof DIGESTS) {
  const between = await root.issueIntermediate({ subject: "CN=rsa-between", key: rsaKeys });
  const last = await between.issueIntermediate({ subject: "CN=last" });
  return send(await issue(last), forge(last, pkcs1(rsaKeys, digest)), between);
}

/** An uploaded root whose own signature was made in this way: nobody looks at it. */
async function withRootSigned({ rsaKeys }: Kit, digest: keyof typeof DIGESTS) {
  const root = await createCertificateAuthority({ subject: "CN=self", key: rsaKeys });
  return { ...(await issue(root)), roots: { self: forge(root, pkcs1(rsaKeys, digest)) } };
}

const ECDSA_WITH_SHA256 = algorithm([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
const ECDSA_WITH_SHA384 = algorithm([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]);
const UNKNOWN = algorithm([0x88, 0x37, 0x01]);
const signedAs =
  (inside: Uint8Array, outside: Uint8Array = inside) =>
  async ({ root }: Kit) => {
    const { sign: signWith } = forgerOf(root.keys);
    return forge(await issue(root), { algorithm: inside, sign: signWith, outerAlgorithm: outside });
  };

const ec = (namedCurve: string): KeyPair => generateKeyPairSync("ec", { namedCurve });
/** The curve's numbers in place of its name */
const explicitEc = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });

export const KEYS: Table = {
  "signed with MD5": underRsa((keys) => pkcs1(keys, "md5")),
  "signed with SHA-1 by RSA": underRsa((keys) => pkcs1(keys, "sha1")),
  "signed with SHA-224 by RSA": underRsa((keys) => pkcs1(keys, "sha224")),
  "signed by RSA, the algorithm without its NULL": underRsa((keys) => pkcs1(keys, "sha256", new Uint8Array())),
  "an intermediate signed with MD5": (kit) => withRsaIntermediate(kit, "md5"),
  "an intermediate signed with SHA-224": (kit) => withRsaIntermediate(kit, "sha224"),
  "a root that signed itself with MD5": (kit) => withRootSigned(kit, "md5"),
  "a root that signed itself with SHA-1": (kit) => withRootSigned(kit, "sha1"),
  "a signature said to be of another digest": signedAs(ECDSA_WITH_SHA384),
  "two signature algorithms that differ, the right one outside": signedAs(ECDSA_WITH_SHA384, ECDSA_WITH_SHA256),
  "two signature algorithms that differ, the right one inside": signedAs(ECDSA_WITH_SHA256, ECDSA_WITH_SHA384),
  "a signature algorithm that nobody knows": signedAs(UNKNOWN),
  "a signature said to be RSA's": signedAs(algorithm([...PKCS1, DIGESTS.sha256], NULL)),
  "an empty signature": async ({ root }) =>
    forge(await issue(root), { ...forgerOf(root.keys), sign: () => new Uint8Array() }),
  "a signature of zeros": async ({ root }) =>
    forge(await issue(root), { ...forgerOf(root.keys), sign: () => new Uint8Array(64) }),
  "a signature with r and s of 0 (psychic)": async ({ root }) =>
    forge(await issue(root), { ...forgerOf(root.keys), sign: () => Buffer.from("3006020100020100", "hex") }),
  "a signature with bytes after it": async ({ root }) => {
    const forger = forgerOf(root.keys);
    return forge(await issue(root), { ...forger, sign: (data) => Buffer.concat([forger.sign(data), NULL]) });
  },
  "a root of EC P-521": underRoot({ key: "ec-p521" }),
  "a P-521 leaf of an Ed25519 root": underRoot({ key: "ed25519" }, { key: "ec-p521" }),
  "a leaf key on secp256k1": leaf({ key: ec("secp256k1") }),
  "a leaf key on P-224": leaf({ key: ec("secp224r1") }),
  "a leaf key on P-192": leaf({ key: ec("prime192v1") }),
  "a leaf key on P-256 with explicit parameters": leaf({ key: explicitEc() }),
  "a leaf key of Ed448": leaf({ key: generateKeyPairSync("ed448") }),
  "a leaf key of DSA": leaf({ key: generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }) }),
  "a leaf key of X25519, which signs nothing": leaf({ key: generateKeyPairSync("x25519") }),
  "a leaf key of RSA with exponent 3": leaf({
    key: generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }),
  }),
  "a leaf key of RSA 512": leaf({ key: generateKeyPairSync("rsa", { modulusLength: 512 }) }),
  "a leaf key of RSA 2040": leaf({ key: generateKeyPairSync("rsa", { modulusLength: 2040 }) }),
  "a leaf key of RSA-PSS for SHA-512 only": leaf({
    key: generateKeyPairSync("rsa-pss", {
      modulusLength: 2048,
      hashAlgorithm: "sha512",
      mgf1HashAlgorithm: "sha512",
    }),
  }),
  "a root with P-224": async () => {
    const root = await createCertificateAuthority({ subject: "CN=p224", key: ec("secp224r1") });
    return { ...(await issue(root)), roots: { p224: root } };
  },
  "an intermediate with explicit curve parameters": async ({ root }) => {
    const between = await root.issueIntermediate({ subject: "CN=explicit", key: explicitEc() });
    return issue(between);
  },
  "a root with explicit curve parameters": async () => {
    const root = await createCertificateAuthority({ subject: "CN=explicit", key: explicitEc() });
    return { ...(await issue(root)), roots: { explicit: root } };
  },
};
