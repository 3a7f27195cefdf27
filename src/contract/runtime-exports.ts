/**
 * What `$import(@zuplo/runtime)` may name in project files: each export of the runtime, where it can stand, and the
 * schema of its options. `sallyport build` and the gateway worker read the same table, so what builds also loads.
 */
import type { z } from "zod";
import { redirectOptionsSchema } from "./handler-options/redirect.ts";
import { urlForwardOptionsSchema } from "./handler-options/url-forward.ts";
import { urlRewriteOptionsSchema } from "./handler-options/url-rewrite.ts";
import { cdnIdentityInboundOptionsSchema } from "./policy-options/cdn-identity-inbound.ts";
import { certificateBoundTokenInboundOptionsSchema } from "./policy-options/certificate-bound-token-inbound.ts";
import { compositeInboundOptionsSchema } from "./policy-options/composite-inbound.ts";
import { removeHeadersOptionsSchema, setHeadersOptionsSchema } from "./policy-options/headers.ts";
import { mtlsAuthInboundOptionsSchema } from "./policy-options/mtls-auth-inbound.ts";

export interface RuntimeExport {
  kind: "inbound-policy" | "outbound-policy" | "handler";
  /** What `policyType` of `config/policies.json` says for it; handlers have none */
  policyType?: string;
  /** Strict schema of the options, after `$env(…)` has been resolved */
  options: z.ZodType;
}

export const RUNTIME_EXPORTS = {
  MTLSAuthInboundPolicy: {
    kind: "inbound-policy",
    policyType: "mtls-auth-inbound",
    options: mtlsAuthInboundOptionsSchema,
  },
  CdnIdentityInboundPolicy: {
    kind: "inbound-policy",
    policyType: "cdn-identity-inbound",
    options: cdnIdentityInboundOptionsSchema,
  },
  CertificateBoundTokenInboundPolicy: {
    kind: "inbound-policy",
    policyType: "certificate-bound-token-inbound",
    options: certificateBoundTokenInboundOptionsSchema,
  },
  CompositeInboundPolicy: {
    kind: "inbound-policy",
    policyType: "composite-inbound",
    options: compositeInboundOptionsSchema,
  },
  SetHeadersInboundPolicy: {
    kind: "inbound-policy",
    policyType: "set-headers-inbound",
    options: setHeadersOptionsSchema,
  },
  SetHeadersOutboundPolicy: {
    kind: "outbound-policy",
    policyType: "set-headers-outbound",
    options: setHeadersOptionsSchema,
  },
  RemoveHeadersInboundPolicy: {
    kind: "inbound-policy",
    policyType: "remove-headers-inbound",
    options: removeHeadersOptionsSchema,
  },
  RemoveHeadersOutboundPolicy: {
    kind: "outbound-policy",
    policyType: "remove-headers-outbound",
    options: removeHeadersOptionsSchema,
  },
  urlForwardHandler: { kind: "handler", options: urlForwardOptionsSchema },
  urlRewriteHandler: { kind: "handler", options: urlRewriteOptionsSchema },
  redirectHandler: { kind: "handler", options: redirectOptionsSchema },
} as const satisfies Record<string, RuntimeExport>;

export type RuntimeExportName = keyof typeof RUNTIME_EXPORTS;

/** The exports that can handle a route, and those that are policies. */
export type RuntimeHandlerName = {
  [Name in RuntimeExportName]: (typeof RUNTIME_EXPORTS)[Name]["kind"] extends "handler" ? Name : never;
}[RuntimeExportName];
export type RuntimePolicyName = Exclude<RuntimeExportName, RuntimeHandlerName>;

/** Looks `name` up without being fooled by `constructor` and its kin. */
export function findRuntimeExport(name: string): RuntimeExport | undefined {
  return Object.hasOwn(RUNTIME_EXPORTS, name) ? RUNTIME_EXPORTS[name as RuntimeExportName] : undefined;
}
