/**
 * What passes between the gateway worker and the edge's egress: one HTTP request that names its target and the client
 * certificate to present there. The worker holds a token, never a key.
 */

/** The worker's binding to the egress, where its host can give it one: then {@link EGRESS_BINDING_URL} stands for its URL. */
export const EGRESS_BINDING = "SALLYPORT_EGRESS";

/** The name means nothing: no address is looked up for a binding. */
export const EGRESS_BINDING_URL = "http://egress";

/**
 * Worker → egress: everything that the egress goes by, {@link formatEgressCall}. One header, since each costs the worker
 * several microseconds (bench/NOTES.md). The request's own path means nothing.
 */
export const EGRESS_CALL_HEADER = "sallyport-egress-call";

export interface EgressCall {
  /** Proves that the caller is this edge's worker */
  token: string;
  /** Whose certificates the name belongs to, `account/project` */
  project: string;
  /** Name of the uploaded mTLS certificate to present */
  certificate: string;
  /** Of the request that the worker was serving, for the egress' log; undefined where it is not known */
  requestId: string | undefined;
  /** The absolute URL of the origin's resource */
  target: string;
}

const UNKNOWN_REQUEST_ID = "-";

/** Five fields with a space between two, of which none but the last may have one. */
export function formatEgressCall({ token, project, certificate, requestId, target }: EgressCall): string {
  return `${token} ${project} ${certificate} ${requestId ?? UNKNOWN_REQUEST_ID} ${target}`;
}

const EGRESS_CALL = /^([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*)(?: (.*))?$/;

/** Fields as they are, of which none was looked at; undefined where they are not five. */
export function parseEgressCall(text: string): EgressCall | undefined {
  const [, token, project, certificate, requestId, target = ""] = EGRESS_CALL.exec(text) ?? [];
  if (token === undefined || project === undefined || certificate === undefined) return undefined;
  return { token, project, certificate, requestId: requestId === UNKNOWN_REQUEST_ID ? undefined : requestId, target };
}

/**
 * Egress → worker: present when no HTTP response came from the origin, with an {@link EgressFailureCode}; the body is
 * then JSON `{ reason, hint }`, and the status {@link EGRESS_FAILURE_STATUS_MIN} or more. A response of the origin never
 * carries it: the egress drops it from there.
 */
export const EGRESS_FAILURE_HEADER = "sallyport-egress-failure";

/** The worker looks for a failure in no answer below it: a header takes the runtime longer to read than a status. */
export const EGRESS_FAILURE_STATUS_MIN = 400;

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
