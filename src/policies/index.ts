/** The runtime's policies by the export name that project files use. Kept complete by the type of the table. */
import type { z } from "zod";
import { type OptionIssue, type Variables, validateOptions } from "../contract/policy-options/validate-options.ts";
import type { JsonObject, PolicyDefinition } from "../contract/project.ts";
import { RUNTIME_MODULES } from "../contract/project-files/selectors.ts";
import { RUNTIME_EXPORTS, type RuntimePolicyName } from "../contract/runtime-exports.ts";
import type { InboundPolicy, OutboundPolicy } from "../gateway/exchange.ts";
import { compileCdnIdentityInbound } from "./cdn-identity-inbound.ts";
import { compileCertificateBoundTokenInbound } from "./certificate-bound-token-inbound.ts";
import { compileCompositeInbound } from "./composite-inbound.ts";
import { compileMtlsAuthInbound } from "./mtls-auth-inbound.ts";
import { compileRemoveHeadersInbound, compileRemoveHeadersOutbound } from "./remove-headers.ts";
import { compileSetHeadersInbound, compileSetHeadersOutbound } from "./set-headers.ts";

export type CompileResult =
  | { ok: true; side: "inbound"; policy: InboundPolicy }
  | { ok: true; side: "outbound"; policy: OutboundPolicy }
  | { ok: false; issues: OptionIssue[] };

export interface RuntimePolicy {
  side: "inbound" | "outbound";
  compile(policyName: string, options: JsonObject, variables: Variables): CompileResult;
}

function inbound<Options>(
  { options: schema }: { options: z.ZodType<Options>; kind: "inbound-policy" },
  compilePolicy: (options: Options, policyName: string) => InboundPolicy,
): RuntimePolicy {
  return {
    side: "inbound",
    compile(policyName, raw, variables) {
      const result = validateOptions(schema, raw, variables);
      return result.ok ? { ok: true, side: "inbound", policy: compilePolicy(result.options, policyName) } : result;
    },
  };
}

function outbound<Options>(
  { options: schema }: { options: z.ZodType<Options>; kind: "outbound-policy" },
  compilePolicy: (options: Options) => OutboundPolicy,
): RuntimePolicy {
  return {
    side: "outbound",
    compile(_policyName, raw, variables) {
      const result = validateOptions(schema, raw, variables);
      return result.ok ? { ok: true, side: "outbound", policy: compilePolicy(result.options) } : result;
    },
  };
}

const runtimePolicies: Record<RuntimePolicyName, RuntimePolicy> = {
  MTLSAuthInboundPolicy: inbound(RUNTIME_EXPORTS.MTLSAuthInboundPolicy, compileMtlsAuthInbound),
  CdnIdentityInboundPolicy: inbound(RUNTIME_EXPORTS.CdnIdentityInboundPolicy, compileCdnIdentityInbound),
  CertificateBoundTokenInboundPolicy: inbound(
    RUNTIME_EXPORTS.CertificateBoundTokenInboundPolicy,
    compileCertificateBoundTokenInbound,
  ),
  CompositeInboundPolicy: inbound(RUNTIME_EXPORTS.CompositeInboundPolicy, compileCompositeInbound),
  SetHeadersInboundPolicy: inbound(RUNTIME_EXPORTS.SetHeadersInboundPolicy, compileSetHeadersInbound),
  SetHeadersOutboundPolicy: outbound(RUNTIME_EXPORTS.SetHeadersOutboundPolicy, compileSetHeadersOutbound),
  RemoveHeadersInboundPolicy: inbound(RUNTIME_EXPORTS.RemoveHeadersInboundPolicy, compileRemoveHeadersInbound),
  RemoveHeadersOutboundPolicy: outbound(RUNTIME_EXPORTS.RemoveHeadersOutboundPolicy, compileRemoveHeadersOutbound),
};

export function findRuntimePolicy(exportName: string): RuntimePolicy | undefined {
  return Object.hasOwn(runtimePolicies, exportName) ? runtimePolicies[exportName as RuntimePolicyName] : undefined;
}

/** Names of the policies that a composite policy runs; none for every other policy. */
export function compositeReferences({ handler }: PolicyDefinition): string[] {
  const isComposite =
    handler.export === "CompositeInboundPolicy" && RUNTIME_MODULES.some((name) => name === handler.module);
  const parsed = isComposite ? RUNTIME_EXPORTS.CompositeInboundPolicy.options.safeParse(handler.options) : undefined;
  return parsed?.success ? parsed.data.policies : [];
}
