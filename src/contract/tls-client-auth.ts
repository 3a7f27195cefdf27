/**
 * The result of client-certificate verification in the shape and with the field names of Cloudflare's
 * `request.cf.tlsClientAuth`, so that the gateway worker reads the same object whoever terminated TLS.
 * Filled in whether or not verification succeeded; who reads it must look at `certVerified` first.
 */

/** `"SUCCESS"`, `"NONE"` without a certificate, `"FAILED:<reason>"`, or bare `"FAILED"`. */
export type CertVerified = "SUCCESS" | "NONE" | "FAILED" | `FAILED:${string}`;

export interface TlsClientAuth {
  certPresented: "0" | "1";
  /** Cloudflare leaves `certVerified` at `"SUCCESS"` for a revoked certificate: look at both. */
  certRevoked: "0" | "1";
  certVerified: CertVerified;
  /** `CN=…, C=US, ST=Texas` */
  certIssuerDN: string;
  certSubjectDN: string;
  /** `CN=…,OU=…,C=US`, RFC 4514 order and escaping */
  certIssuerDNRFC2253: string;
  certSubjectDNRFC2253: string;
  /** `/C=US/O=…/CN=…` */
  certIssuerDNLegacy: string;
  certSubjectDNLegacy: string;
  /** Uppercase hex without separators */
  certSerial: string;
  certIssuerSerial: string;
  /** Uppercase hex; Cloudflare's documents disagree on colons, readers normalise */
  certSKI: string;
  certIssuerSKI: string;
  /** Lowercase hex */
  certFingerprintSHA1: string;
  certFingerprintSHA256: string;
  /** `Mar 21 13:35:00 2022 GMT` */
  certNotBefore: string;
  certNotAfter: string;
  /** `:base64DER:` (RFC 9440), `""` when over {@link CLIENT_CERT_FIELD_MAX_CHARACTERS} */
  certRFC9440: string;
  certRFC9440TooLarge: boolean;
  /** `:…:, :…:` without the leaf, as the client sent it, unvalidated */
  certChainRFC9440: string;
  certChainRFC9440TooLarge: boolean;
}

/** What Cloudflare reports, and we report, for a connection without a client certificate. */
export const NO_CLIENT_CERTIFICATE: Readonly<TlsClientAuth> = Object.freeze({
  certPresented: "0",
  certRevoked: "0",
  certVerified: "NONE",
  certIssuerDN: "",
  certSubjectDN: "",
  certIssuerDNRFC2253: "",
  certSubjectDNRFC2253: "",
  certIssuerDNLegacy: "",
  certSubjectDNLegacy: "",
  certSerial: "",
  certIssuerSerial: "",
  certSKI: "",
  certIssuerSKI: "",
  certFingerprintSHA1: "",
  certFingerprintSHA256: "",
  certNotBefore: "",
  certNotAfter: "",
  certRFC9440: "",
  certRFC9440TooLarge: false,
  certChainRFC9440: "",
  certChainRFC9440TooLarge: false,
} satisfies TlsClientAuth);
