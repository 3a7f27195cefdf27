/** What each certificate on the way says about itself: when, for what, as what, and with how strong a key. */
import type { KeyUsage } from "../../src/x509/certificate-extensions.ts";
import type { Check, Finding } from "./checks.ts";
import type { PathStep } from "./issuer-path.ts";
import { formatTime, nameSubject } from "./names.ts";

/** The first problem from the leaf upwards. */
function findFirst(
  steps: readonly PathStep[],
  find: (step: PathStep, depth: number) => Finding | undefined,
): Finding | undefined {
  for (const [depth, step] of steps.entries()) {
    const problem = find(step, depth);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

export const validityCheck: Check = {
  name: "validity",
  describe({ path }) {
    const until = Math.min(...path.steps.map(({ x509 }) => x509.validToDate.getTime()));
    return Number.isNaN(until)
      ? "every certificate on the way is valid now"
      : `valid now, until ${formatTime(new Date(until))}`;
  },
  findProblem: ({ path, nowMs }) =>
    findFirst(path.steps, (step, depth) => {
      const { validFromDate, validToDate } = step.x509;
      if (nowMs > validToDate.getTime()) {
        return {
          text: `${nameSubject(step)} has expired: it was valid until ${formatTime(validToDate)}`,
          hint: renew(step, depth),
        };
      }
      if (nowMs < validFromDate.getTime()) {
        return {
          text: `${nameSubject(step)} is not yet valid: it will be from ${formatTime(validFromDate)}`,
          hint: "wait until then, look at the clocks of the CA and of this machine, or have it issued again",
        };
      }
      return undefined;
    }),
};

function renew(step: PathStep, depth: number): string {
  if (depth === 0) return "have a new certificate issued to the client";
  return step.uploaded === undefined
    ? "replace it in the client's file by the renewed intermediate"
    : "upload the renewed root beside it, and delete the old one when no client needs it";
}

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const PURPOSES = new Map([
  ["1.3.6.1.5.5.7.3.1", "serverAuth"],
  ["1.3.6.1.5.5.7.3.3", "codeSigning"],
  ["1.3.6.1.5.5.7.3.4", "emailProtection"],
  ["1.3.6.1.5.5.7.3.9", "OCSPSigning"],
  ["2.5.29.37.0", "anyExtendedKeyUsage"],
]);
/** One of these has to be there where the extension is: a client signs the handshake. */
const CLIENT_KEY_USAGES: readonly KeyUsage[] = ["digitalSignature", "keyAgreement"];

export const purposeCheck: Check = {
  name: "purpose",
  describe: ({ path }) =>
    path.steps[0].details?.extendedKeyUsage === undefined
      ? "no extended key usage limits what the certificate is for"
      : "the extended key usage includes clientAuth",
  findProblem: ({ path }) => findFirst(path.steps, findWrongUsage) ?? findWrongKeyUsage(path.steps[0]),
};

function findWrongUsage(step: PathStep): Finding | undefined {
  const usages = step.details?.extendedKeyUsage;
  if (usages === undefined || usages.includes(CLIENT_AUTH)) return undefined;
  const named = usages.map((oid) => PURPOSES.get(oid) ?? oid).join(", ") || "nothing";
  return {
    text: `the extended key usage of ${nameSubject(step)} is ${named}, without clientAuth`,
    hint: "have it issued again with extended key usage clientAuth, or without that extension",
  };
}

function findWrongKeyUsage(leaf: PathStep): Finding | undefined {
  const usages = leaf.details?.keyUsage;
  if (usages === undefined || CLIENT_KEY_USAGES.some((usage) => usages.includes(usage))) return undefined;
  return {
    text: `the key usage of ${nameSubject(leaf)} is ${usages.join(", ") || "nothing"}, without digitalSignature`,
    hint: "have it issued again with key usage digitalSignature; a CA certificate is no client certificate",
  };
}

export const authorityCheck: Check = {
  name: "authority",
  describe: ({ path }) =>
    path.steps.length === 1
      ? "no issuer on the way had to be looked at"
      : "each issuer on the way is a CA, and the path is as long as they allow",
  findProblem: ({ path: { steps } }) =>
    findFirst(steps, (step, depth) => (depth === 0 ? undefined : findWrongAuthority(step, steps.slice(1, depth)))),
};

/** @param below the certificates between `step` and the leaf */
function findWrongAuthority(step: PathStep, below: readonly PathStep[]): Finding | undefined {
  const { details } = step;
  if (details === undefined) return undefined;
  const isOldRoot = details.version === 1 && details.isSelfIssued;
  if (!details.isCa && !isOldRoot) {
    return {
      text: `${nameSubject(step)} issued a certificate and is no CA (basic constraints without CA:TRUE)`,
      hint: "have the client's certificate issued by a CA, or the issuer's made again with CA:TRUE",
    };
  }
  if (details.keyUsage?.includes("keyCertSign") === false) {
    return {
      text: `${nameSubject(step)} issued a certificate, and its key usage is ${details.keyUsage.join(", ") || "nothing"}, without keyCertSign`,
      hint: "have the issuer's certificate made again with key usage keyCertSign",
    };
  }
  // RFC 5280, section 4.2.1.9: self-issued ones do not count.
  const length = below.filter((certificate) => certificate.details?.isSelfIssued !== true).length;
  if (details.pathLength === undefined || length <= details.pathLength) return undefined;
  return {
    text: `${nameSubject(step)} allows ${details.pathLength} intermediates below itself (path length), these are ${length}`,
    hint: "have the client's certificate issued by a CA further up, or the issuer's made again with a longer path length",
  };
}

const RSA_MIN_BITS = 2048;
const EC_MIN_BITS = 224;
const WEAK_DIGEST = /sha1(?![0-9])|md[245]/i;

export const strengthCheck: Check = {
  name: "strength",
  describe: ({ path }) => `keys and signatures are strong enough: ${path.steps.map(describeStrength).join(", ")}`,
  findProblem: ({ path: { steps } }) =>
    findFirst(steps, findWeakKey) ??
    findFirst(steps, (step) => (step.details?.isSelfIssued ? undefined : findWeakDigest(step))),
};

function describeStrength({ details }: PathStep): string {
  return details?.publicKey.description ?? "a key that is not known here";
}

function findWeakKey(step: PathStep): Finding | undefined {
  const { algorithm, bits, description } = step.details?.publicKey ?? {};
  if (algorithm === undefined || bits === undefined) return undefined;
  const least = algorithm === "RSA" || algorithm === "RSA-PSS" ? RSA_MIN_BITS : EC_MIN_BITS;
  if (bits >= least) return undefined;
  return {
    text: `the key of ${nameSubject(step)} is too weak: ${description}, at least ${least} bits are needed`,
    hint: "have it issued again for an ECDSA P-256 key, or RSA of 2048 bits or more",
  };
}

function findWeakDigest(step: PathStep): Finding | undefined {
  const algorithm = step.x509.signatureAlgorithm;
  if (algorithm === undefined || !WEAK_DIGEST.test(algorithm)) return undefined;
  return {
    text: `${nameSubject(step)} is signed with ${algorithm}, whose digest is too weak`,
    hint: "have it issued again with a SHA-256 signature",
  };
}
