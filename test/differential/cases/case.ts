/** What a chain of the corpus consists of, and the short ways in which the tables beside this file make one. */
import { generateKeyPairSync } from "node:crypto";
import type { CertificateOptions } from "../../../fixtures/pki/certificate.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import type { KeyPair } from "../../../fixtures/pki/keys.ts";
import type { Identity } from "../../edge/harness/client.ts";
import type { Authorities } from "../../explain/authorities.ts";
import { forge, type Parts } from "../forge.ts";

/** CA certificates by the name that they are uploaded under. */
export type Roots = Record<string, { certificatePem: string }>;

export interface Chain extends Identity {
  /** {@link Authorities.root} alone when left out */
  roots?: Roots;
}

export interface Kit extends Authorities {
  /** Made once: the slow part of an RSA certificate is its key */
  rsaKeys: KeyPair;
}

export type Make = (kit: Kit) => Chain | Promise<Chain>;
export type Table = Record<string, Make>;
type Options = Partial<CertificateOptions>;

export function createKit(authorities: Authorities): Kit {
  return { ...authorities, rsaKeys: generateKeyPairSync("rsa", { modulusLength: 2048 }) };
}

export const issue = (authority: CertificateAuthority, options: Options = {}) =>
  authority.issue({ subject: "CN=client", ...options });

/** A leaf of the usual root. */
export const leaf =
  (options: Options = {}): Make =>
  ({ root }) =>
    issue(root, options);

/** A leaf of the usual root that is altered and signed anew by it. */
export const forged =
  (edit: (parts: Parts) => void, options: Options = {}): Make =>
  async ({ root }) =>
    forge(await issue(root, options), root.keys, edit);

/** A leaf behind an intermediate of the usual root. */
export const behind =
  (intermediate: Options, options: Options = {}): Make =>
  async ({ root }) =>
    issue(await root.issueIntermediate({ subject: "CN=between", ...intermediate }), options);

/** A leaf behind an intermediate that is altered and signed anew by the usual root. */
export const behindForged =
  (edit: (parts: Parts) => void, intermediate: Options = {}): Make =>
  async ({ root }) => {
    const between = await root.issueIntermediate({ subject: "CN=between", ...intermediate });
    return send(await issue(between), forge(between, root.keys, edit));
  };

/** A leaf of a root made for it, the only one that is uploaded. */
export const underRoot =
  (options: Options, leafOptions: Options = {}): Make =>
  async () => {
    const root = await createCertificateAuthority({ subject: "CN=own-root", ...options });
    return { ...(await issue(root, leafOptions)), roots: { own_root: root } };
  };

/** The first one's key with these certificates in this order. */
export function send(first: IssuedCertificate, ...others: { certificatePem: string }[]): Identity {
  return { keyPem: first.keyPem, chainPem: [first, ...others].map(({ certificatePem }) => certificatePem).join("") };
}
