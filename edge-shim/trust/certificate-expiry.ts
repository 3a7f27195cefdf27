/**
 * When an uploaded certificate expires. Read once and kept as a number: an `X509Certificate` holds 6 KiB of OpenSSL's,
 * which for ten thousand of them is 60 MiB.
 */
import { X509Certificate } from "node:crypto";

const expiries = new WeakMap<object, number>();

/**
 * Milliseconds since the epoch; of a chain, its first certificate's.
 *
 * @throws when OpenSSL does not read it
 */
export function readExpiry(uploaded: { readonly certificate: string }): number {
  const known = expiries.get(uploaded);
  if (known !== undefined) return known;
  const expiresMs = new X509Certificate(uploaded.certificate).validToDate.getTime();
  expiries.set(uploaded, expiresMs);
  return expiresMs;
}
