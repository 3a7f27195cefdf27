/**
 * Names of the headers that pass between edge, gateway worker and client. They live here once, because a
 * name that is spelled in two places is a header that one side forgets to strip.
 */

/** Edge → worker: the compact JWS of edge-assertion.ts. Deleted before user code or an origin sees the request. */
export const EDGE_ASSERTION_HEADER = "sallyport-edge-assertion";

/** Edge → worker, and on every response: the id that joins the log lines of edge, worker and egress. */
export const REQUEST_ID_HEADER = "sallyport-request-id";

/** The spelling of {@link REQUEST_ID_HEADER} that Zuplo's clients look for; responses carry both. */
export const ZUPLO_REQUEST_ID_HEADER = "zp-rid";

/** Worker → edge, on responses: the path of the route that served the request, for the edge's log and numbers. */
export const ROUTE_HEADER = "sallyport-route";

/** Every header with this prefix is ours: the edge drops it from clients, the worker from what user code sees. */
export const INTERNAL_HEADER_PREFIX = "sallyport-";
