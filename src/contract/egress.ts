/**
 * What passes between the gateway worker and the edge's egress: one HTTP request that names its target and the client
 * certificate to present there. The worker holds a token, never a key.
 */

/** The worker's binding to the egress, where its host can give it one: then {@link EGRESS_BINDING_URL} stands for its URL. */
export const EGRESS_BINDING = "SALLYPORT_EGRESS";

/** The name means nothing: no address is looked up for a binding. */
export const EGRESS_BINDING_URL = "http://egress";

/** Worker → egress: proves that the caller is this edge's worker. */
export const EGRESS_TOKEN_HEADER = "sallyport-egress-token";

/** Worker → egress: the absolute URL of the origin's resource; the request's own path means nothing. */
export const EGRESS_TARGET_HEADER = "sallyport-egress-target";

/** Worker → egress: name of the uploaded mTLS certificate to present. */
export const EGRESS_CERTIFICATE_HEADER = "sallyport-egress-certificate";

/** Worker → egress: account and project whose certificates the name belongs to, `account/project`. */
export const EGRESS_PROJECT_HEADER = "sallyport-egress-project";

/** Worker → egress: the id of the request that the worker was serving, for the egress's log. Absent where it is not known. */
export const EGRESS_REQUEST_ID_HEADER = "sallyport-egress-request-id";

/**
 * Egress → worker: present when no HTTP response came from the origin, with an {@link EgressFailureCode}; the body is
 * then JSON `{ reason, hint }`. A response of the origin never carries it: the egress drops it from there.
 */
export const EGRESS_FAILURE_HEADER = "sallyport-egress-failure";

export const EGRESS_FAILURE_CODES = [
  "origin_tls_failed",
  "origin_certificate_untrusted",
  "origin_client_certificate_rejected",
  "origin_unreachable",
  "origin_timeout",
  "mtls_certificate_not_found",
  "mtls_certificate_disabled",
] as const;

/** The codes of contract.md's 522 family, and of a name that means nothing here. */
export type EgressFailureCode = (typeof EGRESS_FAILURE_CODES)[number];

/** Kinds of environment that an mTLS certificate may be enabled for. */
export const ENVIRONMENT_TYPES = ["development", "preview", "production"] as const;
export type EnvironmentType = (typeof ENVIRONMENT_TYPES)[number];

/** An environment named like a type is of that type; any other is a preview. */
export function environmentTypeOf(environment: string): EnvironmentType {
  return ENVIRONMENT_TYPES.find((type) => type === environment) ?? "preview";
}
