/**
 * The `Client-Cert` and `Client-Cert-Chain` fields (RFC 9440) by which an origin learns who the client is: of the
 * verified certificate of this very request, and of nothing else. A client whose certificate cannot be told is
 * refused: without the fields the origin would take it for one that has none.
 */
import {
  CLIENT_CERT_CHAIN_FIELD,
  CLIENT_CERT_FIELD,
  decodeClientCertChain,
  isClientCertField,
} from "../contract/client-cert-field.ts";
import type { ForwardingOptions } from "../contract/handler-options/forwarding.ts";
import type { ProblemCode, ProblemExplanation } from "../contract/problem.ts";
import type { ClientCertificateVerdict } from "../gateway/client-certificate.ts";
import { changeHeaders } from "../gateway/response.ts";

type Choice = ForwardingOptions["forwardClientCertificate"];

export type ClientCertFields =
  | { ok: true; fields: readonly (readonly [name: string, value: string])[] }
  | { ok: false; code: ProblemCode; detail: string; explanation: ProblemExplanation };

const NO_FIELDS: ClientCertFields = { ok: true, fields: [] };

/** By verdict, which lives as long as its assertion is cached: nothing is decoded twice for a connection. */
export function compileClientCertFields(choice: Choice): (verdict: ClientCertificateVerdict) => ClientCertFields {
  if (choice === "none") return () => NO_FIELDS;
  const known = new WeakMap<ClientCertificateVerdict, ClientCertFields>();
  return function clientCertFields(verdict) {
    const fields = known.get(verdict) ?? evaluateClientCertFields(verdict, choice);
    known.set(verdict, fields);
    return fields;
  };
}

function evaluateClientCertFields(
  { status, certificate }: ClientCertificateVerdict,
  choice: Exclude<Choice, "none">,
): ClientCertFields {
  if (status !== "SUCCESS") return NO_FIELDS;
  const { certRFC9440, certRFC9440TooLarge, certChainRFC9440, certChainRFC9440TooLarge } = certificate.tlsClientAuth;
  if (certRFC9440TooLarge) return tooLarge("the client certificate is over 10 KiB encoded");
  if (!certificate.der()) return UNREADABLE;
  const leaf = [CLIENT_CERT_FIELD, certRFC9440] as const;
  if (choice === "client-cert") return { ok: true, fields: [leaf] };
  if (certChainRFC9440TooLarge) return tooLarge("the chain of the client certificate is over 16 KiB encoded");
  if (certChainRFC9440 === "") return { ok: true, fields: [leaf] };
  if (!decodeClientCertChain(certChainRFC9440)) return UNREADABLE;
  return { ok: true, fields: [leaf, [CLIENT_CERT_CHAIN_FIELD, certChainRFC9440]] };
}

/** RFC 9440, section 3.2, names the status: what would be too large for the origin is not sent to it. */
function tooLarge(reason: string): ClientCertFields {
  return {
    ok: false,
    code: "headers_too_large",
    detail: "The client certificate is too large to be forwarded",
    explanation: { reason, hint: 'issue smaller certificates, or set "forwardClientCertificate" to what fits' },
  };
}

const UNREADABLE: ClientCertFields = {
  ok: false,
  code: "client_certificate_rejected",
  detail: "The client certificate is not accepted",
  explanation: {
    reason: "the client certificate cannot be forwarded: what TLS termination says of it is no RFC 9440 field",
    hint: "on Cloudflare, see whether request.cf.tlsClientAuth has certRFC9440 and certChainRFC9440",
  },
};

/**
 * RFC 9440, section 2.4: an answer that was chosen by `Client-Cert` must not be kept by a cache that does not see that
 * field, and none behind this gateway does.
 */
export function hideFromCaches(response: Response): Response {
  const vary = response.headers.get("vary")?.toLowerCase().split(",") ?? [];
  if (!vary.some((name) => isClientCertField(name.trim()))) return response;
  return changeHeaders(response, (headers) => headers.set("vary", "*"));
}
