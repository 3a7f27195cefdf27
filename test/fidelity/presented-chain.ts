/** What a TLS client sends, out of PEM. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;

/** DER, the leaf first. */
export function chainOf(pem: string): Buffer[] {
  return [...pem.matchAll(CERTIFICATE)].map(([, base64 = ""]) => Buffer.from(base64, "base64"));
}
