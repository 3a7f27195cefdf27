/** What the file itself shows, before anybody's trust comes in. */
import { encodeClientCert } from "../../src/contract/client-cert-field.ts";
import { CLIENT_CERT_FIELD_MAX_CHARACTERS } from "../../src/contract/limits.ts";
import type { Check, CheckContext, Finding } from "./checks.ts";
import type { FileCertificate } from "./client-certificate-file.ts";
import { isSignedBy } from "./issuer-path.ts";
import { CERTIFICATE_LIST_MAX_BYTES } from "./judge.ts";
import { count, nameSubject } from "./names.ts";

export const fileCheck: Check = {
  name: "file",
  describe: ({ file }) => `${count(file.certificates.length, "certificate")} found in ${file.origin}`,
  findProblem({ file: { certificates }, judgement }) {
    const [leaf] = certificates;
    if (leaf.unreadable !== undefined) {
      const text = `the leaf breaks the rules of RFC 5280: ${leaf.unreadable}`;
      return { text, hint: "have the certificate issued again, by a CA that keeps to RFC 5280" };
    }
    if (!judgement.isHandshakeRefused || isListTooLarge(certificates)) return undefined;
    const reason = judgement.verdict.status === "FAILED" ? judgement.verdict.reason : "";
    return {
      text: `no TLS client gets as far as a verdict with it: ${reason}`,
      hint: "have the certificate issued again",
    };
  },
  findWarning: ({ file }) =>
    file.hasPrivateKey
      ? {
          text: `${count(file.certificates.length, "certificate")} and a private key found in ${file.origin}; the key was not looked at`,
          hint: "the private key belongs to the client alone: never share it, and never upload it",
        }
      : undefined,
};

export const orderCheck: Check = {
  name: "order",
  describe: ({ file }) => `the first certificate is the client's: ${nameSubject(file.certificates[0])}`,
  findProblem: findOrderProblem,
  findWarning: findOrderProblem,
};

/** A TLS client presents the first certificate of its file as its own; here that one issued another of the file. */
function findOrderProblem({ file: { certificates } }: CheckContext): Finding | undefined {
  const [first, ...others] = certificates;
  if (!others.some((other) => hasIssued(first, other))) return undefined;
  const leaf = others.find((other) => certificates.every((any) => !hasIssued(other, any))) ?? first;
  return {
    text: `the file seems to be in the wrong order: its first certificate, ${nameSubject(first)}, issued another one in it`,
    hint: `put the client's certificate first, probably ${nameSubject(leaf)}, then the one that issued it, and so on`,
  };
}

function hasIssued(issuer: FileCertificate, certificate: FileCertificate): boolean {
  return (
    issuer.x509.fingerprint256 !== certificate.x509.fingerprint256 &&
    certificate.x509.checkIssued(issuer.x509) &&
    isSignedBy(certificate.x509, issuer.x509)
  );
}

export const sizeCheck: Check = {
  name: "size",
  describe: ({ file }) => `the leaf has ${file.certificates[0].x509.raw.length} bytes, few enough to be forwarded`,
  findProblem({ file: { certificates } }) {
    if (!isListTooLarge(certificates)) return findLeafTooLarge(certificates[0]);
    return {
      text: `the certificates have ${countBytes(certificates)} bytes, a TLS handshake takes ${CERTIFICATE_LIST_MAX_BYTES}`,
      hint: "leave out what is not needed on the way to the root, and have a smaller leaf issued",
    };
  },
  findWarning: ({ file }) => findLeafTooLarge(file.certificates[0]),
};

function findLeafTooLarge({ x509 }: FileCertificate): Finding | undefined {
  if (encodeClientCert(x509.raw) !== undefined) return undefined;
  return {
    text:
      `the leaf has ${x509.raw.length} bytes, encoded that is over ${CLIENT_CERT_FIELD_MAX_CHARACTERS}: ` +
      "requests get through, but client certificate metadata not provided",
    hint: "have a smaller leaf issued: fewer subject alternative names and extensions, or an ECDSA key",
  };
}

function isListTooLarge(certificates: readonly FileCertificate[]): boolean {
  return countBytes(certificates) > CERTIFICATE_LIST_MAX_BYTES;
}

/** As a list in the handshake: 3 bytes of length before each and before all of them. */
function countBytes(certificates: readonly FileCertificate[]): number {
  return certificates.reduce((sum, { x509 }) => sum + 3 + x509.raw.length, 3);
}
