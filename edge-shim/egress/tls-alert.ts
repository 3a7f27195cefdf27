/** TLS alerts that an origin sent (RFC 8446, section 6.2; RFC 5246, section 7.2.2), as OpenSSL and Node report them. */

/** Numbers, the RFC's names, and whether such an alert speaks about the client's certificate. */
const ALERTS: Readonly<Record<number, [name: string, isAboutCertificate: boolean]>> = {
  10: ["unexpected_message", false],
  20: ["bad_record_mac", false],
  // Under TLS 1.2 also for a client without a certificate; the egress always has one.
  40: ["handshake_failure", false],
  42: ["bad_certificate", true],
  43: ["unsupported_certificate", true],
  44: ["certificate_revoked", true],
  45: ["certificate_expired", true],
  46: ["certificate_unknown", true],
  47: ["illegal_parameter", false],
  48: ["unknown_ca", true],
  49: ["access_denied", true],
  50: ["decode_error", false],
  51: ["decrypt_error", true],
  70: ["protocol_version", false],
  71: ["insufficient_security", false],
  80: ["internal_error", false],
  112: ["unrecognized_name", false],
  116: ["certificate_required", true],
  120: ["no_application_protocol", false],
};

/** The number of the alert that ended the connection; undefined when there was none. */
export function findAlert(error: Error): number | undefined {
  const found = /SSL alert number (\d+)/.exec(error.message)?.[1];
  return found === undefined ? undefined : Number(found);
}

export function describeAlert(alert: number): { name: string; isAboutCertificate: boolean } {
  const [name, isAboutCertificate] = ALERTS[alert] ?? ["unknown", false];
  return { name, isAboutCertificate };
}
