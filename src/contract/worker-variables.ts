/** Names of the gateway worker's own variables, for whoever starts one. src/gateway/configuration.ts says what each may be. */
export const WORKER_VARIABLES = [
  "SALLYPORT_ENVIRONMENT",
  "SALLYPORT_ACCOUNT",
  "SALLYPORT_PROJECT",
  "SALLYPORT_EDGE_JWKS",
  "SALLYPORT_CLIENT_CERTIFICATE_SOURCE",
  "SALLYPORT_EGRESS_URL",
  "SALLYPORT_EGRESS_TOKEN",
  "SALLYPORT_EGRESS_PROJECT",
] as const;

export type WorkerVariable = (typeof WORKER_VARIABLES)[number];
