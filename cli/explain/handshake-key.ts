/**
 * Whether a TLS client can prove that it holds the key of a leaf. OpenSSL verifies a chain without asking that: a client
 * with such a key presents nothing, and the edge sees a connection without a certificate.
 */
import type { PublicKeyDescription } from "../../src/x509/public-key.ts";

/** The curves that TLS signs with (RFC 8446, section 4.2.3; RFC 8734), which this Node's OpenSSL offers */
const SIGNING_CURVES = new Set([
  "EC P-256",
  "EC P-384",
  "EC P-521",
  "EC with explicit parameters",
  // brainpoolP256r1, P384r1 and P512r1
  "EC 1.3.36.3.3.2.8.1.1.7",
  "EC 1.3.36.3.3.2.8.1.1.11",
  "EC 1.3.36.3.3.2.8.1.1.13",
]);

/** Algorithms that sign no handshake; what is not named is left to OpenSSL. */
const UNFIT_ALGORITHMS = new Map([
  ["1.2.840.10040.4.1", "DSA"],
  ["1.2.840.113549.1.3.1", "DH"],
  ["1.3.101.110", "X25519"],
  ["1.3.101.111", "X448"],
]);
/** SLH-DSA in its twelve sizes: 2.16.840.1.101.3.4.3.20 to 31 */
const SLH_DSA = /^2\.16\.840\.1\.101\.3\.4\.3\.(?:2[0-9]|3[01])$/;

/** What kind of key it is, undefined when a client can sign with it. */
export function findUnfitKey({ algorithm, description }: PublicKeyDescription): string | undefined {
  if (algorithm === "EC") return SIGNING_CURVES.has(description) ? undefined : description;
  return UNFIT_ALGORITHMS.get(description) ?? (SLH_DSA.test(description) ? "SLH-DSA" : undefined);
}
