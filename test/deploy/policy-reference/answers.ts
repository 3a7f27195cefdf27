/** The answers of each policy, given by its own code for every reason that it has; and those of the handlers. */
import { timingSafeEqual } from "node:crypto";
import { fileURLToPath } from "node:url";
import { EGRESS_FAILURE_CODES } from "../../../src/contract/egress.ts";
import type { CdnIdentityInboundOptions } from "../../../src/contract/policy-options/cdn-identity-inbound.ts";
import { PROBLEMS, type ProblemCode } from "../../../src/contract/problem.ts";
import type { RuntimeExportName, RuntimeHandlerName } from "../../../src/contract/runtime-exports.ts";
import { code, prose, table } from "./markdown.ts";
import { ANY_TEXT, type Sample, type SourceTypes } from "./source-types.ts";

/** Where what is loaded below is. Not imported: it is compiled for the Workers runtime. */
const POLICIES = new URL("../../../src/policies/", import.meta.url);

export interface Answer {
  code: ProblemCode;
  /** Markdown: when it is given */
  when: string;
  /** Further headers */
  headers: Record<string, string>;
}

interface Explained {
  code: ProblemCode;
  explanation: { reason: string; hint: string };
  headers?: Record<string, string>;
}

export const REJECTION_FILES = {
  MTLSAuthInboundPolicy: ["src/policies/mtls-auth-decision.ts", "MtlsAuthRejection"],
  CdnIdentityInboundPolicy: ["src/policies/cdn-identity-decision.ts", "CdnIdentityRejection"],
  CertificateBoundTokenInboundPolicy: ["src/policies/certificate-bound-token-decision.ts", "TokenRejection"],
} as const satisfies Partial<Record<RuntimeExportName, readonly [file: string, typeName: string]>>;

type RejectingPolicy = keyof typeof REJECTION_FILES;

function load<Module>(file: string): Promise<Module> {
  return import(fileURLToPath(new URL(file, POLICIES))) as Promise<Module>;
}

/** By policy; those that reject nothing have none. */
export async function collectPolicyAnswers(types: SourceTypes): Promise<Record<RejectingPolicy, Answer[]>> {
  const samplesOf = (name: RejectingPolicy) => {
    const [file, typeName] = REJECTION_FILES[name];
    return types.createSamples(file, typeName);
  };
  const mtls = await load<{ explainRejection(rejection: Sample): Explained }>("mtls-auth-rejection.ts");
  const token = await load<{ explainTokenRejection(rejection: Sample): Explained }>(
    "certificate-bound-token-rejection.ts",
  );
  return {
    MTLSAuthInboundPolicy: samplesOf("MTLSAuthInboundPolicy").map((sample) =>
      toAnswer(sample.kind, mtls.explainRejection(sample)),
    ),
    CdnIdentityInboundPolicy: await provokeCdnIdentity(samplesOf("CdnIdentityInboundPolicy")),
    CertificateBoundTokenInboundPolicy: samplesOf("CertificateBoundTokenInboundPolicy").flatMap((sample) =>
      explainInner(sample, token.explainTokenRejection),
    ),
  };
}

/** A reason that another policy found has as many answers as that policy has codes for it. */
function explainInner(sample: Sample, explain: (rejection: Sample) => Explained): Answer[] {
  const { rejection } = sample;
  if (!Array.isArray(rejection)) return [toAnswer(sample.kind, explain(sample))];
  const answers = (rejection as Sample[]).map((inner) =>
    toAnswer(inner.kind, explain({ ...sample, rejection: inner })),
  );
  const byCode = new Map(answers.map((answer) => [answer.code, { ...answer, when: "as for `mtls-auth-inbound`" }]));
  return [...byCode.values()];
}

/** Reasons that have no words of their own are told by their kind. */
function toAnswer(kind: string, { code: problem, explanation, headers = {} }: Explained): Answer {
  const { reason, hint } = explanation;
  const when = reason === ANY_TEXT ? `*${kind.replaceAll("_", " ")}*` : prose(reason);
  return { code: problem, when: `${when} → ${prose(hint)}`, headers };
}

const SECRET = "0123456789abcdef0123456789abcdef";
const WITH_SECRET: CdnIdentityInboundOptions["proof"] = { secret: { header: "x-cdn-secret", values: [SECRET] } };
const UNVERIFIED = {
  cause: "verification_failed",
  reason: ANY_TEXT,
  certificate: { tlsClientAuth: {} },
};

/** Requests that meet the reasons of `cdn-identity-inbound`, which explains them behind closed doors. */
const CDN_REQUESTS: Record<string, { proof: CdnIdentityInboundOptions["proof"]; headers: Record<string, string> }> = {
  certificate_not_of_cdn: { proof: { clientCertificate: { certIssuerDN: "CN=cdn" } }, headers: {} },
  secret_wrong: { proof: WITH_SECRET, headers: { "x-cdn-secret": "guessed" } },
  signature_invalid: { proof: { signature: { secrets: [SECRET], maxAgeSeconds: 60 } }, headers: {} },
  identity_missing: { proof: WITH_SECRET, headers: { "x-cdn-secret": SECRET } },
  identity_malformed: {
    proof: WITH_SECRET,
    headers: { "x-cdn-secret": SECRET, "x-verified-client": "x".repeat(5_000) },
  },
};

interface CdnModules {
  rules: {
    compileCdnIdentityRules(
      options: CdnIdentityInboundOptions,
    ): (candidate: object) => Promise<{ ok: true } | { ok: false; rejection: Sample }>;
  };
  policy: {
    compileCdnIdentityInbound(
      options: CdnIdentityInboundOptions,
      name: string,
    ): (request: Request, exchange: object) => Promise<unknown>;
  };
}

/** @throws Error where a reason has no request above, or the request meets another reason */
async function provokeCdnIdentity(samples: readonly Sample[]): Promise<Answer[]> {
  const restore = addTimingSafeEqual();
  try {
    const modules = { rules: await load("cdn-identity-decision.ts"), policy: await load("cdn-identity-inbound.ts") };
    const answers = [];
    for (const { kind } of samples) answers.push(await provoke(kind, modules as CdnModules));
    return answers;
  } finally {
    restore();
  }
}

async function provoke(kind: string, { rules, policy }: CdnModules): Promise<Answer> {
  const provoking = CDN_REQUESTS[kind];
  if (!provoking) throw new Error(`no request is known that "${kind}" is the answer to`);
  const options = { identityHeader: "x-verified-client", proof: provoking.proof };
  const request = new Request("https://api.example.com/", { headers: provoking.headers });
  const now = new Date(0);
  const result = await rules.compileCdnIdentityRules(options)({ request, verdict: UNVERIFIED, now });
  if (result.ok || result.rejection.kind !== kind) throw new Error(`the request for "${kind}" meets something else`);
  const lines: { code: ProblemCode; reason: string; hint: string }[] = [];
  const warn = (_message: string, line: (typeof lines)[number]) => lines.push(line);
  const exchange = { verdict: UNVERIFIED, request, now: () => now, context: { log: { warn }, requestId: "" } };
  await policy.compileCdnIdentityInbound(options, "cdn")(request, exchange);
  const [line] = lines;
  if (!line) throw new Error(`"${kind}" was not logged`);
  return toAnswer(kind, { code: line.code, explanation: line });
}

/** Of the Workers runtime, and not of Node's Web Crypto. */
function addTimingSafeEqual(): () => void {
  const value = (one: ArrayBuffer, other: ArrayBuffer) => timingSafeEqual(Buffer.from(one), Buffer.from(other));
  Object.defineProperty(crypto.subtle, "timingSafeEqual", { value, configurable: true });
  return () => Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
}

export const HANDLER_FILES: Record<RuntimeHandlerName, string> = {
  urlForwardHandler: "src/handlers/url-forward.ts",
  urlRewriteHandler: "src/handlers/url-rewrite.ts",
  redirectHandler: "src/handlers/redirect.ts",
};

/** When handlers give the codes that their modules have in them. What comes from the egress is told by its code. */
const HANDLER_ANSWERS: Partial<Record<ProblemCode, string>> = {
  bad_request: "the values of the request do not make a URL of this route",
  client_certificate_rejected: "with `forwardClientCertificate`: the certificate was verified and cannot be read",
  headers_too_large: "with `forwardClientCertificate`: the certificate, or the chain, is too large for the field",
  configuration_invalid: "the options are not valid with the variables that are set, or name one that is not",
  origin_unreachable: "no HTTP response came from the origin",
  origin_tls_failed: "with `mtlsCertificate`: the TLS handshake with the origin failed",
  origin_certificate_untrusted: "with `mtlsCertificate`: the origin's certificate is not trusted",
  origin_client_certificate_rejected: "with `mtlsCertificate`: the origin rejected the certificate",
  origin_timeout: "with `mtlsCertificate`: the origin did not answer in time",
  mtls_certificate_not_found: "the project has no mTLS certificate of this name",
  mtls_certificate_disabled: "the mTLS certificate is disabled, or not for this environment",
};

/** @throws Error for a code that a handler has come to have, and that is not told above */
export function collectHandlerAnswers(name: RuntimeHandlerName, types: SourceTypes): Answer[] {
  const literals = types.findLiterals(HANDLER_FILES[name], "src/handlers/");
  const isForwarding = literals.has("origin_unreachable");
  const codes = new Set(["configuration_invalid", ...literals, ...(isForwarding ? EGRESS_FAILURE_CODES : [])]);
  return problemCodes(codes).map((problem) => {
    const when = HANDLER_ANSWERS[problem];
    if (when === undefined) throw new Error(`when ${name} answers "${problem}" is not told`);
    return { code: problem, when, headers: {} };
  });
}

/** In the order of the catalogue */
export function problemCodes(texts: ReadonlySet<string>): ProblemCode[] {
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter((problem) => texts.has(problem));
}

export function describeAnswers(answers: readonly Answer[]): string {
  const hasHeaders = answers.some(({ headers }) => Object.keys(headers).length > 0);
  const rows = answers.map(({ code: problem, when, headers }) => {
    const written = Object.entries(headers).map(([name, value]) => code(`${name}: ${value}`));
    return [String(PROBLEMS[problem].status), code(problem), when, ...(hasHeaders ? [written.join(" ")] : [])];
  });
  return table(["status", "code", "when", ...(hasHeaders ? ["headers"] : [])], rows);
}
