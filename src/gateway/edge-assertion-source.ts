/**
 * Client-certificate truth behind the edge: the assertion in {@link EDGE_ASSERTION_HEADER}, and nothing else.
 * Signature and claims are checked once for each token; host name, environment and expiry on every use, because
 * those are what a replayed token would get wrong.
 */
import type { JSONWebKeySet } from "jose";
import { createEdgeAssertionVerifier, type EdgeAssertion } from "../contract/edge-assertion.ts";
import { EDGE_ASSERTION_HEADER } from "../contract/headers.ts";
import { parseHostname } from "../contract/hostname.ts";
import { ASSERTION_CLOCK_TOLERANCE_SECONDS } from "../contract/limits.ts";
import { createVerdict, createVerdictWithoutCertificate } from "./client-certificate.ts";
import type { ClientCertificateSource, Identification } from "./client-certificate-source.ts";
import type { GatewayConfiguration } from "./configuration.ts";
import { describeEdgeRequest, describeVerdict } from "./incoming-request-properties.ts";
import {
  createVerifiedAssertions,
  VERIFIED_ASSERTIONS_LIMITS,
  type VerifiedAssertions,
} from "./verified-assertions.ts";

interface VerifiedAssertion {
  readonly assertion: EdgeAssertion;
  readonly expiresAtSeconds: number;
  readonly identification: Identification;
}

const noAssertionVerdict = createVerdictWithoutCertificate(
  "no_edge_assertion",
  "no edge assertion: the request did not come through the edge",
);
const withoutAssertion: Identification = {
  verdict: noAssertionVerdict,
  properties: describeVerdict(noAssertionVerdict),
  isFromEdge: false,
  isCloudflare: false,
};

/** `request.cf` is ignored: with a JWKS configured there is an edge in front, and local runtimes let clients forge it. */
export function createEdgeAssertionSource(
  jwks: JSONWebKeySet,
  scope: Pick<GatewayConfiguration, "environment" | "account" | "project">,
  verified: VerifiedAssertions<VerifiedAssertion> = createVerifiedAssertions(VERIFIED_ASSERTIONS_LIMITS),
): ClientCertificateSource {
  const verify = createEdgeAssertionVerifier(jwks);

  async function verifyNew(token: string, request: Request, now: Date): Promise<Identification> {
    if (token.includes(",")) return refuse("more than one edge assertion");
    const result = await verify(token, now);
    if (!result.ok) return refuse(`edge assertion ${result.refusal}: ${result.detail}`);
    const entry = remember(result.assertion, result.expiresAtSeconds);
    const refusal = findMisuse(entry, request, scope, now);
    if (refusal !== undefined) return refuse(refusal);
    verified.set(token, entry);
    return entry.identification;
  }

  return function identifyEdgeRequest(request, now) {
    const token = request.headers.get(EDGE_ASSERTION_HEADER);
    if (token === null) return withoutAssertion;
    const entry = verified.get(token);
    if (!entry) return verifyNew(token, request, now);
    const refusal = findMisuse(entry, request, scope, now);
    return refusal === undefined ? entry.identification : refuse(refusal);
  };
}

function remember(assertion: EdgeAssertion, expiresAtSeconds: number): VerifiedAssertion {
  const verdict = createVerdict(assertion.tlsClientAuth, assertion.trustAnchors);
  const properties = describeEdgeRequest(assertion, verdict);
  return {
    assertion,
    expiresAtSeconds,
    identification: { verdict, properties, isFromEdge: true, isCloudflare: false },
  };
}

/** The checks that depend on the request, the worker or the clock. */
function findMisuse(
  { assertion, expiresAtSeconds }: VerifiedAssertion,
  request: Request,
  scope: Pick<GatewayConfiguration, "environment" | "account" | "project">,
  now: Date,
): string | undefined {
  if (now.getTime() / 1000 >= expiresAtSeconds + ASSERTION_CLOCK_TOLERANCE_SECONDS) return "edge assertion expired";
  const hostname = parseHostname(request.headers.get("host") ?? undefined);
  if (hostname === undefined || hostname !== assertion.audience) {
    return `edge assertion is for host "${assertion.audience}", the request is for "${hostname ?? ""}"`;
  }
  if (assertion.environment !== scope.environment) {
    return `edge assertion is for environment "${assertion.environment}", this worker is "${scope.environment}"`;
  }
  if (scope.account !== undefined && assertion.account !== scope.account) {
    return `edge assertion is for account "${assertion.account}", this worker is "${scope.account}"`;
  }
  if (scope.project !== undefined && assertion.project !== scope.project) {
    return `edge assertion is for project "${assertion.project}", this worker is "${scope.project}"`;
  }
  return undefined;
}

function refuse(reason: string): Identification {
  const verdict = createVerdictWithoutCertificate("edge_assertion_refused", reason);
  return { verdict, properties: describeVerdict(verdict), isFromEdge: false, isCloudflare: false, warning: reason };
}
