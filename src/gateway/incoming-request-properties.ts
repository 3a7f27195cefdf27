/** `context.incomingRequestProperties`: what is known about the connection, from the one source that is believed. */
import type { EdgeAssertion } from "../contract/edge-assertion.ts";
import type { IncomingRequestProperties } from "../runtime/context.ts";
import type { ClientCertificateVerdict } from "./client-certificate.ts";

const CLOUDFLARE_TEXT_PROPERTIES = [
  "asOrganization",
  "city",
  "continent",
  "country",
  "latitude",
  "longitude",
  "colo",
  "postalCode",
  "metroCode",
  "region",
  "regionCode",
  "timezone",
  "httpProtocol",
] as const satisfies readonly (keyof IncomingRequestProperties)[];

/** Nothing but the verdict: the geography of `request.cf` can be forged in local runtimes. */
export function describeVerdict(verdict: ClientCertificateVerdict): IncomingRequestProperties {
  return Object.freeze(verdictProperties(verdict));
}

export function describeEdgeRequest(
  assertion: EdgeAssertion,
  verdict: ClientCertificateVerdict,
): IncomingRequestProperties {
  return Object.freeze({ httpProtocol: assertion.client.httpProtocol, ...verdictProperties(verdict) });
}

export function describeCloudflareRequest(cf: unknown, verdict: ClientCertificateVerdict): IncomingRequestProperties {
  const known = (typeof cf === "object" && cf !== null ? cf : {}) as Record<string, unknown>;
  const texts = CLOUDFLARE_TEXT_PROPERTIES.filter((name) => typeof known[name] === "string");
  return Object.freeze({
    ...(typeof known.asn === "number" && { asn: known.asn }),
    ...Object.fromEntries(texts.map((name) => [name, known[name]])),
    ...verdictProperties(verdict),
  });
}

function verdictProperties(verdict: ClientCertificateVerdict): IncomingRequestProperties {
  return {
    clientCert: verdict.certificate.tlsClientAuth.certRFC9440,
    clientMtlsVerificationStatus: verdict.status,
    clientMtlsVerificationReason: verdict.reason,
  };
}
