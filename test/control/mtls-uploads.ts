/** mTLS certificates of an account of its own, and a control plane that has other variables than the rest. */
import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { accountTrustSchema } from "../../src/contract/trust-bundle.ts";
import type { ControlEnvironment } from "../../src/control/configuration.ts";
import worker from "../../src/control/worker.ts";
import type { CertificateName, KeyForm } from "./certificates.ts";
import { type Call, certificate, createAccount, createEdgeKey, ORIGIN, pemOf } from "./support.ts";

export const keyOf = (name: CertificateName) => certificate(name).keyPem;
export const keyForm = (form: KeyForm) => inject("keyForms")[form];

/** The body of an upload of `name` as `aws_alb_cert`, with what a test wants to be otherwise. */
export function uploadOf(name: CertificateName, otherwise: object = {}) {
  return {
    name: "aws_alb_cert",
    certificate: pemOf(name),
    privateKey: keyOf(name),
    environmentTypes: ["development"],
    ...otherwise,
  };
}

export async function createUploader() {
  const account = await createAccount();
  const base = `${account.path}/projects/shop`;
  const path = `${base}/mtls-certificates`;
  const upload = (name: CertificateName, otherwise?: object) => account.call("POST", path, uploadOf(name, otherwise));
  return { ...account, account: account.name, base, path, upload };
}

/** The lines of base64 of keys: none of them may be anywhere but in an edge's bundle. */
export function linesOf(...keys: string[]): string[] {
  return keys.flatMap((pem) => pem.split("\n").filter((line) => line.length > 20 && !line.startsWith("-----")));
}

/** Everything in every table, as text. */
export async function dumpDatabase(): Promise<string> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const selects = tables.results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`));
  return JSON.stringify((await env.DB.batch(selects)).map(({ results }) => results));
}

/** An account's document as an edge reads it. */
export async function readDocument(account: string, edge?: Call) {
  const call = edge ?? (await createEdgeKey()).call;
  const answer = await call("GET", `/v1/edge/bundle/accounts/${account}`);
  return { ...accountTrustSchema.parse(answer.body), headers: answer.headers };
}

/** Those of the control plane; what is left out is not set. */
interface MasterKeys {
  SALLYPORT_MASTER_KEY?: string;
  SALLYPORT_PREVIOUS_MASTER_KEY?: string;
}

/** A request to a control plane that has other master keys than the one of the tests. */
export async function sendWith(masterKeys: MasterKeys, key: string, method: string, path: string, body?: object) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const request = new Request(`${ORIGIN}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const pending: Promise<unknown>[] = [];
  const context = {
    waitUntil: (promise: Promise<unknown>) => pending.push(promise),
    passThroughOnException() {},
    props: {},
  } as unknown as ExecutionContext;
  const environment: ControlEnvironment = { ...env };
  delete environment.SALLYPORT_MASTER_KEY;
  const response = await worker.fetch(request, { ...environment, ...masterKeys }, context);
  const text = await response.text();
  await Promise.all(pending);
  return { status: response.status, text, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
}

export function randomMasterKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
}
