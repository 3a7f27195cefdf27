/** What the page has to explain, heading by heading: taken from the code, never written down here. */

import { join } from "node:path";
import { explainFailure } from "../../edge-shim/egress/failure.ts";
import { describeAlert } from "../../edge-shim/egress/tls-alert.ts";
import { EGRESS_FAILURE_CODES } from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { findEvents, findFailureMessages, findMessages } from "./troubleshooting-events.ts";
import {
  ANY_TEXT,
  createSamples,
  findLiterals,
  findTexts,
  findTextsBelow,
  REPOSITORY,
  type Sample,
} from "./troubleshooting-sources.ts";

/** Texts, or names, that the rows below a heading explain: each of them, and nothing else. */
export type Catalogue = () => readonly string[] | Promise<readonly string[]>;

const POLICIES = "src/policies";
const EGRESS = "edge-shim/egress";

type Explain = (rejection: Sample) => { explanation: { reason: string } };

/** By path, since the types of this project do not know the Workers runtime. */
async function loadExplain(file: string, name: string): Promise<Explain> {
  const module = (await import(join(REPOSITORY, file))) as Record<string, Explain>;
  const explain = module[name];
  if (explain === undefined) throw new TypeError(`${file}: "${name}" is not exported`);
  return explain;
}

/** A reason that is nothing but what another module says is explained where that module's reasons are. */
const isOwnWords = (reason: string): boolean => reason !== ANY_TEXT;

async function ruleReasons(): Promise<string[]> {
  const explain = await loadExplain(`${POLICIES}/mtls-auth-rejection.ts`, "explainRejection");
  const samples = createSamples(`${POLICIES}/mtls-auth-decision.ts`, "MtlsAuthRejection");
  return samples.map((sample) => explain(sample).explanation.reason).filter(isOwnWords);
}

/** What the certificate lacks is explained elsewhere. */
async function tokenReasons(): Promise<string[]> {
  const explain = await loadExplain(`${POLICIES}/certificate-bound-token-rejection.ts`, "explainTokenRejection");
  const decision = `${POLICIES}/certificate-bound-token-decision.ts`;
  const samples = createSamples(decision, "TokenRejection");
  const own = samples
    .filter(({ kind }) => kind !== "certificate_not_verified")
    .map((sample) => explain(sample).explanation.reason.replace(JSON.stringify(ANY_TEXT), ANY_TEXT));
  return [
    ...own.filter(isOwnWords),
    ...findTexts(`${POLICIES}/bearer-token.ts`, { property: "reason" }, { variable: "reason" }),
    ...findTexts(decision, { variable: "reason" }),
    ...findTexts(`${POLICIES}/access-token-keys.ts`, { variable: "message" }).filter((text) =>
      text.includes("keys of"),
    ),
  ];
}

function cdnReasons(): string[] {
  const signature = `${POLICIES}/message-signature.ts`;
  const problems = ["findParameterProblem", "findCoverageProblem", "findMacProblem"];
  const ofOne = findTexts(signature, ...problems.map((returnsOf) => ({ returnsOf })));
  const [none, prefix = ""] = findTexts(signature, { variable: "reason" });
  const said = findTexts(`${POLICIES}/cdn-identity-inbound.ts`, { call: "rejected" }, { property: "reason" });
  const ofSignature = [none, ...ofOne.map((text) => prefix.slice(0, -ANY_TEXT.length) + text)];
  return [...said, ...ofSignature.filter((text) => text !== undefined)];
}

/** With the names of the variables that it is put together from. */
function sourceReason(): string[] {
  const file = "src/gateway/configuration.ts";
  const names = ["EDGE_JWKS_VARIABLE", "SOURCE_VARIABLE"].flatMap((variable) => findTexts(file, { variable }));
  const texts = findTexts(file, { variable: "SOURCE_NOT_CONFIGURED_REASON" });
  return texts.map((text) => names.reduce((told, name) => told.replace(ANY_TEXT, name), text));
}

function assertionReasons(): string[] {
  const file = "src/gateway/edge-assertion-source.ts";
  const refused = findTexts(file, { call: "refuse" }, { returnsOf: "findMisuse" });
  const kinds = findTexts("src/contract/edge-assertion.ts", { type: "AssertionRefusal" });
  const [general, ...others] = [
    ...refused.filter((text) => text.startsWith(`edge assertion ${ANY_TEXT}`)),
    ...refused.filter((text) => !text.startsWith(`edge assertion ${ANY_TEXT}`)),
  ];
  const told = kinds.map((kind) => (general ?? "").replace(ANY_TEXT, kind));
  const none = findTexts(file, { call: "createVerdictWithoutCertificate", argument: 1 });
  return [...told, ...others, ...none, ...sourceReason()];
}

function forwardingReasons(): string[] {
  return findTexts("src/handlers/client-cert-fields.ts", { call: "tooLarge" }, { property: "reason" });
}

const ATTEMPT = {
  origin: "https://origin.example",
  certificate: { id: "cert_0", name: "aws_alb", validTo: new Date(8.64e15) },
  nowMs: 0,
};

/** As on the page: what belongs to one request is {@link ANY_TEXT}. */
function withoutAttempt(reason: string): string {
  const { origin, certificate } = ATTEMPT;
  return reason
    .replaceAll(origin, ANY_TEXT)
    .replaceAll(certificate.name, ANY_TEXT)
    .replaceAll(certificate.id, ANY_TEXT);
}

/** As Node, OpenSSL and undici write theirs */
const ERROR_CODE = /^[A-Z]+(?:_[A-Z]+)*_?$/;

/** Reasons by what {@link explainFailure} makes of each code that it knows. */
function connectionReasons(): string[] {
  const file = `${EGRESS}/failure.ts`;
  const codes = [...findTexts(file, { keysOf: "SERVER_CERTIFICATE_REASONS" }), ...findLiterals(file, ERROR_CODE)];
  const all = new Set([...codes, "ERR_SSL_SOMETHING", "SOMETHING_ELSE"]);
  const coded = [...all].map((code) => ({ message: ANY_TEXT, code }));
  const alerts = [40, 48].map((alert) => ({ message: `SSL alert number ${alert}`, code: "" }));
  return [...coded, ...alerts].map(({ message, code }) => {
    const { reason } = explainFailure(Object.assign(new Error(message), { code }), ATTEMPT);
    return withoutAttempt(reason)
      .replace(code === "" ? /alert \S+ \(\d+\)$/ : /$^/, `alert ${ANY_TEXT} (${ANY_TEXT})`)
      .replace(code === "" ? /$^/ : `(${code})`, `(${ANY_TEXT})`);
  });
}

function outboundReasons(): string[] {
  const reason = { property: "reason" } as const;
  const written = [
    ...findTexts(`${EGRESS}/certificates.ts`, reason, { call: "disabled" }, { variable: "reason" }),
    ...findTexts(`${EGRESS}/exchange.ts`, reason),
    ...findTexts(`${EGRESS}/failure-message.ts`, reason),
    ...findTexts(`${EGRESS}/target.ts`, { call: "refuse" }),
    ...findTexts("src/runtime/certificate-transport.ts", reason),
    ...findTexts("src/handlers/forward-request.ts", reason),
    ...findTexts(`${EGRESS}/failure.ts`, reason).filter((text) => text.includes("cannot be used")),
  ];
  return [...connectionReasons(), ...written];
}

/** What `fetch` throws at a function that calls it wrongly. */
function fetchErrors(): string[] {
  const files = ["src/runtime/fetch.ts", "src/runtime/certificate-redirects.ts"];
  return files.flatMap((file) => findTexts(file, { call: "TypeError" }));
}

/** Numbers by name, all that are known. */
export function alertNumbers(): Record<string, number> {
  const alerts = Array.from({ length: 256 }, (_, alert) => [describeAlert(alert).name, alert] as const);
  return Object.fromEntries(alerts.filter(([name]) => name !== "unknown"));
}

function albReasons(): string[] {
  const file = "fixtures/alb/verify-client.ts";
  return findTexts(file, { type: "ClientCertReason" }, { type: "FailureReason" });
}

function controlCodes(): string[] {
  return findTexts("src/control/problem.ts", { keysOf: "PROBLEMS" });
}

function warningCodes(): string[] {
  const schema = ["src/control/ca-certificates/warnings.ts", "src/control/mtls-certificates/inspect.ts"];
  const refusals = new Set(controlCodes());
  return schema.flatMap((file) => findTexts(file, { property: "code" })).filter((code) => !refusals.has(code));
}

/** `session.ts` and `link.ts` name what is missing by its kind. */
const MISSING = ["account_missing", "project_missing"];

/** Codes that commands refuse with by themselves; what uploads are refused for has the control plane's. */
function commandCodes(): string[] {
  const known = new Set(controlCodes());
  const places = [{ call: "refuse" }, { call: "assertSound" }, { property: "code" }];
  const codes = findTextsBelow("cli", places).flatMap((code) => (code === `${ANY_TEXT}_missing` ? MISSING : [code]));
  return codes.filter((code) => !known.has(code) && /^[a-z]+(?:_[a-z]+)+$/.test(code));
}

function proxyCodes(): string[] {
  const failures = findTexts("edge-shim/ingress/proxied-connections.ts", { type: "FailureCode" });
  const counted = findTexts("edge-shim/metrics.ts", { property: "reason" });
  return [...failures, ...counted.filter((text) => text.startsWith("PROXY_"))];
}

export function edgeEvents() {
  return [...findEvents("edge-shim"), ...findEvents("cli")];
}

export function workerMessages() {
  const ofTracing = findTextsBelow("src/tracing", [{ property: "message" }]);
  return [...findMessages("src"), ...ofTracing.map((event) => ({ event, level: "warn" }))];
}

/** By heading. The two that are made of what OpenSSL says are in the test: OpenSSL is asked there. */
export const CATALOGUES: Readonly<Record<string, Catalogue>> = {
  "Where to look first": () =>
    createSamples("edge-shim/ingress/verdict.ts", "Verdict").map(({ status }) => String(status)),
  "Answers to clients": () => Object.keys(PROBLEMS),
  "The route's rules": ruleReasons,
  "The edge and the worker do not fit together": assertionReasons,
  "Access tokens": tokenReasons,
  "A CDN in front": cdnReasons,
  "Certificates that cannot be forwarded": forwardingReasons,
  "TLS alerts": () => Object.keys(alertNumbers()),
  "PROXY headers": proxyCodes,
  "Codes of origins": () => EGRESS_FAILURE_CODES,
  "Reasons of origins": outboundReasons,
  "Calls of fetch": fetchErrors,
  "What an ALB says": albReasons,
  "Codes of the control plane": controlCodes,
  "Warnings at an upload": warningCodes,
  "Codes of commands": commandCodes,
  "Events of the edge": () => edgeEvents().map(({ event }) => event),
  "Messages of failure": () => findFailureMessages("edge-shim"),
  "Messages of the worker": () => workerMessages().map(({ event }) => event),
  "Events of the control plane": () =>
    findTextsBelow("src/control", [{ call: "logFailure" }, { call: "afterCommit", argument: 1 }]),
};
