/**
 * Why no HTTP response came from an origin: from what Node, OpenSSL and undici throw to a code of contract.md's 522
 * family, a reason that can be searched for, and what to do. Pure.
 */
import type { EgressFailureCode } from "../../src/contract/egress.ts";
import { describeAlert, findAlert } from "./tls-alert.ts";

export interface EgressFailure {
  code: EgressFailureCode;
  reason: string;
  hint: string;
}

/** What the failed request was about, for the words of its explanation. */
export interface FailedAttempt {
  /** `https://host:port` */
  origin: string;
  certificate: { id: string; name: string; validTo: Date };
  nowMs: number;
}

export function explainFailure(error: unknown, attempt: FailedAttempt): EgressFailure {
  const cause = findCause(error);
  const alert = findAlert(cause);
  if (alert !== undefined) return explainAlert(alert, attempt);
  const code = cause.code ?? "";
  if (Object.hasOwn(SERVER_CERTIFICATE_REASONS, code)) return explainServerCertificate(code, cause, attempt);
  return explainConnection(code, cause, attempt);
}

/** Nothing was said about why: a request that may be repeated may succeed on another connection. */
export function isClosedByOrigin(error: unknown): boolean {
  return CLOSED_CODES.has(findCause(error).code ?? "");
}

interface CodedError extends Error {
  code?: string;
}

/** The certificate or its key is not what OpenSSL can use: nothing was sent anywhere. */
export function explainUnusable(error: unknown, { id, name }: FailedAttempt["certificate"]): EgressFailure {
  return {
    code: "mtls_certificate_not_found",
    reason: `"${name}" (${id}) cannot be used: ${findCause(error).message}`,
    hint: `upload certificate and key again: sallyport mtls-certificate update --cert-id ${id} --cert client.pem --key client.key`,
  };
}

/** Of a machine that has IPv4 only, about each IPv6 address */
const NO_ROUTE_CODES: ReadonlySet<string | undefined> = new Set(["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"]);

/** Several addresses were tried: the first failure that came from afar speaks for them. Wrapping says less than what it wraps. */
function findCause(error: unknown): CodedError {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return findCause(error.errors.find(({ code }: CodedError) => !NO_ROUTE_CODES.has(code)) ?? error.errors[0]);
  }
  if (!(error instanceof Error)) return new Error(String(error));
  const { cause, code } = error as CodedError;
  return cause instanceof Error && code === undefined ? findCause(cause) : error;
}

function explainAlert(alert: number, attempt: FailedAttempt): EgressFailure {
  const { name, isAboutCertificate } = describeAlert(alert);
  const { origin, certificate } = attempt;
  if (!isAboutCertificate) {
    return {
      code: "origin_tls_failed",
      reason: `"${origin}" ended the TLS handshake with the alert ${name} (${alert})`,
      hint: `see which TLS versions, ciphers and key types the origin accepts: openssl s_client -connect ${hostAndPort(origin)}`,
    };
  }
  return {
    code: "origin_client_certificate_rejected",
    reason: `"${origin}" rejected the client certificate "${certificate.name}" (${certificate.id}) with the TLS alert ${name} (${alert})`,
    hint: hintForRejected(attempt),
  };
}

function hintForRejected({ certificate, nowMs }: FailedAttempt): string {
  const { id, name, validTo } = certificate;
  if (validTo.getTime() < nowMs) {
    return `"${name}" expired on ${validTo.toISOString()}, upload a new one: sallyport mtls-certificate update --cert-id ${id} --cert new.pem --key new.key`;
  }
  return `add the CA that issued "${name}" to the origin's trust store, with all intermediates or send them after the leaf; it is shown by: sallyport mtls-certificate describe --cert-id ${id}`;
}

/** OpenSSL's codes for a chain that does not verify, as Node names them, and in words. */
const SERVER_CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "is for other host names",
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not yet valid",
  CERT_REVOKED: "is revoked",
  CERT_SIGNATURE_FAILURE: "has a signature that does not verify",
  CERT_CHAIN_TOO_LONG: "has too long a chain",
  CERT_REJECTED: "is rejected",
  CERT_UNTRUSTED: "is not trusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "is self-signed, and no CA that is trusted here",
  SELF_SIGNED_CERT_IN_CHAIN: "comes from a root that is not trusted here",
  UNABLE_TO_GET_ISSUER_CERT: "comes from an issuer that is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "comes from an issuer that is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "comes without the intermediates up to a root that is trusted here",
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: "comes from an issuer whose key is not readable",
  INVALID_CA: "comes from an issuer that is no CA",
  INVALID_PURPOSE: "is not for servers",
  PATH_LENGTH_EXCEEDED: "has a longer chain than its CA allows",
  HOSTNAME_MISMATCH: "is for other host names",
  UNSPECIFIED: "does not verify",
};

const VALIDITY_CODES: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "CERT_REVOKED"]);
const NAME_CODES: ReadonlySet<string> = new Set(["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"]);

function explainServerCertificate(code: string, cause: Error, { origin }: FailedAttempt): EgressFailure {
  return {
    code: "origin_certificate_untrusted",
    reason: `the server certificate of "${origin}" ${SERVER_CERTIFICATE_REASONS[code]}: ${cause.message}`,
    hint: hintForServerCertificate(code, origin),
  };
}

function hintForServerCertificate(code: string, origin: string): string {
  const look = `openssl s_client -connect ${hostAndPort(origin)} -showcerts`;
  if (NAME_CODES.has(code))
    return `use a host name that its certificate has, or give the origin one for this name: ${look}`;
  if (VALIDITY_CODES.has(code))
    return `give the origin a certificate that is valid now, and look at the clocks: ${look}`;
  return `upload the private root that issued it: sallyport origin-ca create --name origin_ca --cert ca.pem; or have the origin send its intermediates: ${look}`;
}

function explainConnection(code: string, cause: Error, attempt: FailedAttempt): EgressFailure {
  const { origin } = attempt;
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
    case "EAI_AGAIN":
    case "EAI_FAIL":
      return unreachable(
        `DNS has no address for the host of "${origin}" (${code})`,
        "look for a typing error in the URL",
      );
    case "EGRESS_ADDRESS_REFUSED":
      return unreachable(
        `${cause.message}, to which the egress does not connect`,
        "if that is meant, start the edge with --egress-allow 127.0.0.0/8 (or the network in question)",
      );
    case "ECONNREFUSED":
      return unreachable(`"${origin}" refused the connection`, "start the origin, or correct its port");
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return unreachable(`there is no route to "${origin}" (${code})`, "look at networks and firewalls in between");
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return timeout(
        `"${origin}" took too long for the connection and the TLS handshake`,
        "look at firewalls and security groups in between, and whether the origin is overloaded",
      );
    case "UND_ERR_HEADERS_TIMEOUT":
      return timeout(`"${origin}" sent no response in time`, "look at what the origin was doing with this request");
    case "UND_ERR_BODY_TIMEOUT":
      return timeout(`"${origin}" fell silent in the middle of its response`, "look at what the origin was doing");
  }
  return explainBrokenExchange(code, cause, attempt);
}

function explainBrokenExchange(code: string, cause: Error, { origin, certificate }: FailedAttempt): EgressFailure {
  const connect = `openssl s_client -connect ${hostAndPort(origin)}`;
  const mayReject = `a server that does not accept "${certificate.name}" may close without saying why`;
  if (code === "EGRESS_HANDSHAKE_CLOSED") {
    const reason = `"${origin}" closed the connection during the TLS handshake, without an alert`;
    return tlsFailed(reason, `see whether a TLS server listens there, and what it says: ${connect}; ${mayReject}`);
  }
  if (code.startsWith("ERR_SSL_")) {
    const reason = `the TLS handshake with "${origin}" failed: ${cause.message.trim()}`;
    return tlsFailed(reason, `see whether a TLS server listens there, and what it says: ${connect}`);
  }
  if (code === "EGRESS_POOL_RETIRED") {
    return unreachable(`the request was cut: ${cause.message}, and it was not done in time`, "send it again");
  }
  if (CLOSED_CODES.has(code)) {
    return unreachable(
      `"${origin}" closed the connection before its response was complete (${code})`,
      `look at the origin's log; ${mayReject}`,
    );
  }
  return unreachable(`no complete HTTP response came from "${origin}": ${cause.message}`, "look at the origin's log");
}

/** The other side closed the connection without a word */
const CLOSED_CODES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "UND_ERR_SOCKET",
  "EGRESS_CONNECTION_RESET",
  "EGRESS_CONNECTION_CLOSED",
]);

function tlsFailed(reason: string, hint: string): EgressFailure {
  return { code: "origin_tls_failed", reason, hint };
}

function unreachable(reason: string, hint: string): EgressFailure {
  return { code: "origin_unreachable", reason, hint };
}

function timeout(reason: string, hint: string): EgressFailure {
  return { code: "origin_timeout", reason, hint };
}

function hostAndPort(origin: string): string {
  const { hostname, port } = new URL(origin);
  return `${hostname}:${port || "443"}`;
}
