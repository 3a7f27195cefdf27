/** Limits that edge and worker must agree on. Each constant carries its unit. */

/** Longest life of an edge assertion, `exp - iat`. A replay is possible for no longer than this. */
export const ASSERTION_TTL_SECONDS = 60;

/** The edge signs anew when less than this is left, so that an assertion does not expire on its way to the worker. */
export const ASSERTION_RENEW_BEFORE_SECONDS = 20;

/** How far the clocks of edge and worker may differ. */
export const ASSERTION_CLOCK_TOLERANCE_SECONDS = 5;

/** Cloudflare's limit for `certRFC9440`: characters of the encoded field, colons included. */
export const CLIENT_CERT_FIELD_MAX_CHARACTERS = 10 * 1024;

/** Cloudflare's limit for `certChainRFC9440`: characters of the whole encoded list. */
export const CLIENT_CERT_CHAIN_FIELD_MAX_CHARACTERS = 16 * 1024;

/**
 * Longest printed distinguished name that is forwarded. A longer one is left empty, which no issuer pin can match:
 * the assertion has to fit into one request header of the worker's HTTP parser.
 */
export const DISTINGUISHED_NAME_MAX_CHARACTERS = 4 * 1024;
