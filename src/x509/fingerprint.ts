/** Fingerprints: digests over the whole DER certificate, so that one pins exactly one certificate. */
import { encodeHex, encodeUppercaseHex } from "./hex.ts";

/** SHA-1 is for display and for Cloudflare's field of that name; only SHA-256 may decide something. */
export type FingerprintAlgorithm = "SHA-1" | "SHA-256";

export async function computeFingerprint(der: Uint8Array, algorithm: FingerprintAlgorithm): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, new Uint8Array(der)));
}

/** `a1b2…`, as in `certFingerprintSHA256` */
export function encodeFingerprint(fingerprint: Uint8Array): string {
  return encodeHex(fingerprint);
}

/** `A1:B2:…`, as in `request.user.data.mtlsAuth.sha256Fingerprint` and as OpenSSL prints it */
export function encodeColonFingerprint(fingerprint: Uint8Array): string {
  return encodeUppercaseHex(fingerprint).replace(/..(?=.)/g, "$&:");
}
