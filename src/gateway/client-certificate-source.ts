/**
 * The one source of client-certificate truth that this worker has. It answers for every request, and what it does
 * not know for sure is "not verified".
 */
import { type CertVerified, NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../contract/tls-client-auth.ts";
import type { Awaitable, IncomingRequestProperties } from "../runtime/context.ts";
import { type ClientCertificateVerdict, createVerdict, createVerdictWithoutCertificate } from "./client-certificate.ts";
import { type GatewayConfiguration, SOURCE_NOT_CONFIGURED_REASON } from "./configuration.ts";
import { createEdgeAssertionSource } from "./edge-assertion-source.ts";
import { describeCloudflareRequest, describeVerdict } from "./incoming-request-properties.ts";

/** What is known about who sent a request. */
export interface Identification {
  readonly verdict: ClientCertificateVerdict;
  readonly properties: IncomingRequestProperties;
  /** A verified assertion came with the request: the edge's other headers may be believed. */
  readonly isFromEdge: boolean;
  /** `request.cf` is Cloudflare's own and may be shown to user code. */
  readonly isCloudflare: boolean;
  /** For the log: something came that looks like an attack or a broken set-up. */
  readonly warning?: string;
}

export type ClientCertificateSource = (request: Request, now: Date) => Awaitable<Identification>;

export function createClientCertificateSource(configuration: GatewayConfiguration): ClientCertificateSource {
  const { source } = configuration;
  switch (source.kind) {
    case "edge":
      return createEdgeAssertionSource(source.jwks, configuration);
    case "cloudflare":
      return identifyCloudflareRequest;
    case "none":
      return identifyNobody;
  }
}

const nobodyVerdict = createVerdictWithoutCertificate("source_not_configured", SOURCE_NOT_CONFIGURED_REASON);
const nobody: Identification = {
  verdict: nobodyVerdict,
  properties: describeVerdict(nobodyVerdict),
  isFromEdge: false,
  isCloudflare: false,
};

function identifyNobody(): Identification {
  return nobody;
}

/** `request.cf` is what Cloudflare's edge says, once deployed there; in local runtimes clients can forge it. */
function identifyCloudflareRequest(request: Request): Identification {
  const verdict = createVerdict(readTlsClientAuth(request.cf?.tlsClientAuth), undefined);
  return {
    verdict,
    properties: describeCloudflareRequest(request.cf, verdict),
    isFromEdge: false,
    isCloudflare: true,
  };
}

/**
 * Takes the fields that have the right type; a verdict that is not spelled as Cloudflare spells it is a failure. Where its
 * documents contradict each other, or our edge, the spelling is the edge's: hex without colons, OpenSSL's words.
 */
function readTlsClientAuth(value: unknown): TlsClientAuth {
  if (typeof value !== "object" || value === null) return NO_CLIENT_CERTIFICATE;
  const given = value as Record<string, unknown>;
  const fields = Object.entries(NO_CLIENT_CERTIFICATE).map(([name, absent]) => {
    return [name, typeof given[name] === typeof absent ? given[name] : absent];
  });
  const known: TlsClientAuth = Object.fromEntries(fields);
  return {
    ...known,
    certRevoked: given.certRevoked === undefined || given.certRevoked === "0" ? "0" : "1",
    certVerified: normalizeReason(known.certVerified),
    certSerial: normalizeHex(known.certSerial).toUpperCase(),
    certIssuerSerial: normalizeHex(known.certIssuerSerial).toUpperCase(),
    certSKI: normalizeHex(known.certSKI).toUpperCase(),
    certIssuerSKI: normalizeHex(known.certIssuerSKI).toUpperCase(),
    certFingerprintSHA1: normalizeHex(known.certFingerprintSHA1),
    certFingerprintSHA256: normalizeHex(known.certFingerprintSHA256),
  };
}

function normalizeHex(text: string): string {
  return text.replaceAll(":", "").toLowerCase();
}

/** BoringSSL's words, which are OpenSSL's of before version 3, and what OpenSSL says since. */
const REASONS: readonly (readonly [boringSsl: string, openSsl: string])[] = [
  ["self signed certificate", "self-signed certificate"],
  ["unsupported certificate purpose", "unsuitable certificate purpose"],
];

/** For people and hints only: a failure stays one, whatever it says. */
function normalizeReason(certVerified: CertVerified): CertVerified {
  if (!certVerified.startsWith("FAILED:")) return certVerified;
  const found = REASONS.find(([words]) => certVerified.includes(words));
  return found === undefined ? certVerified : `FAILED:${certVerified.slice("FAILED:".length).replace(...found)}`;
}
