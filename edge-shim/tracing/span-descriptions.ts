/**
 * What a span says, from what the log says: OpenTelemetry's semantic conventions for HTTP and TLS, and ours (`sallyport.*`). As
 * in the log: no query, no header, no certificate.
 */
import { type Attributes, type SpanStatus, SpanStatusCode } from "@opentelemetry/api";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from "@opentelemetry/semantic-conventions";
import type { EgressRecord } from "../egress/egress-log.ts";
import type { RequestRecord } from "../ingress/request-log.ts";

export interface SpanDescription {
  name: string;
  attributes: Attributes;
  status: SpanStatus;
}

/** Of a path, which a client may make as long as its headers */
const PATH_MAX_CHARACTERS = 1_024;
const HTTPS_PORT = 443;

/** "HTTP request method": any other is `_OTHER`, so that a client cannot make names of spans */
const METHODS: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);

export function describeIngress(record: RequestRecord): SpanDescription {
  const { requestId, method, path, status, connection, verdict, isComplete, cutReason } = record;
  const route = decodeRoute(record.route);
  return {
    name: METHODS.has(method) ? [method, route].join(" ").trim() : "HTTP",
    attributes: {
      ...describeMethod(method),
      [ATTR_URL_SCHEME]: "https",
      [ATTR_URL_PATH]: path.split("?", 1)[0]?.slice(0, PATH_MAX_CHARACTERS),
      [ATTR_HTTP_ROUTE]: route,
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: status,
      [ATTR_SERVER_ADDRESS]: connection.hostname,
      [ATTR_CLIENT_ADDRESS]: connection.remoteAddress,
      [ATTR_NETWORK_PROTOCOL_VERSION]: connection.httpProtocol === "HTTP/2" ? "2" : "1.1",
      "tls.protocol.name": "tls",
      "tls.protocol.version": connection.tlsVersion.replace(/^TLSv/, ""),
      "tls.cipher": connection.cipher,
      "tls.client.hash.sha256": connection.leafFingerprint?.replaceAll(":", ""),
      "sallyport.request_id": requestId,
      "sallyport.account": connection.domain?.caSet.account,
      "sallyport.verdict": verdict.status,
      "sallyport.verdict.reason": verdict.status === "FAILED" ? verdict.reason : undefined,
      "sallyport.incomplete": isComplete ? undefined : true,
      "sallyport.cut_reason": cutReason,
      [ATTR_ERROR_TYPE]: status >= 500 ? String(status) : undefined,
    },
    status: { code: status >= 500 ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
  };
}

export function describeEgress(record: EgressRecord): SpanDescription {
  const { requestId, method, project, origin, certificate, certificateVersion, status, failure } = record;
  const url = URL.parse(origin);
  const error = failure?.code ?? (status >= 400 ? String(status) : undefined);
  return {
    name: METHODS.has(method) ? method : "HTTP",
    attributes: {
      ...describeMethod(method),
      [ATTR_SERVER_ADDRESS]: url?.hostname,
      [ATTR_SERVER_PORT]: url === null ? undefined : Number(url.port) || HTTPS_PORT,
      // Where no answer came from the origin, the status is ours, and the code says why.
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: failure === undefined ? status : undefined,
      [ATTR_ERROR_TYPE]: error,
      "sallyport.request_id": requestId,
      "sallyport.project": project,
      "sallyport.mtls_certificate": certificate,
      "sallyport.mtls_certificate.version": certificateVersion,
      "sallyport.incomplete": record.incomplete,
      "sallyport.cut_reason": record.cutReason,
    },
    status: { code: error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
  };
}

/** As the project has it: the worker encodes it for its header. */
function decodeRoute(route: string | undefined): string | undefined {
  try {
    return route && decodeURI(route);
  } catch {
    return route;
  }
}

function describeMethod(method: string): Attributes {
  return METHODS.has(method)
    ? { [ATTR_HTTP_REQUEST_METHOD]: method }
    : {
        [ATTR_HTTP_REQUEST_METHOD]: "_OTHER",
        [ATTR_HTTP_REQUEST_METHOD_ORIGINAL]: method.slice(0, METHOD_MAX_CHARACTERS),
      };
}

const METHOD_MAX_CHARACTERS = 32;
