/** Speaks to the control plane as its clients do: over HTTP, with an API key. */
import { SELF } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { inject } from "vitest";
import { z } from "zod";
import type { CertificateName, TestCertificate } from "./certificates.ts";

export const ORIGIN = "http://control.test";

/** What the tests look at in an answer; fields that a test does not expect are undefined, and fail it. */
const answerSchema = z.looseObject({
  id: z.string().optional(),
  name: z.string().optional(),
  key: z.string().optional(),
  code: z.string().optional(),
  hint: z.string().optional(),
  detail: z.string().optional(),
  version: z.string().optional(),
  errors: z.array(z.looseObject({ path: z.string(), code: z.string(), message: z.string() })).optional(),
  data: z.array(z.record(z.string(), z.unknown())).optional(),
});

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: z.infer<typeof answerSchema>;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** Calls with `key`, or without any. A string is sent as it is, anything else as JSON. */
export function callWith(key: string | undefined): Call {
  return async function call(method, path, body, headers = {}) {
    const init: RequestInit = {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const response = await SELF.fetch(`${ORIGIN}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: answerSchema.parse(isJson ? JSON.parse(text) : {}),
    };
  };
}

export const admin = callWith(env.TEST_BOOTSTRAP_KEY);

let accountCount = 0;

/** An account of its own for a test, with a project `shop` and a key. */
export async function createAccount(): Promise<{ name: string; path: string; key: string; call: Call }> {
  const name = `account-${++accountCount}`;
  const path = `/v1/accounts/${name}`;
  await admin("POST", "/v1/accounts", { name });
  const key = (await admin("POST", `${path}/api-keys`, { name: "test" })).body.key ?? "";
  const call = callWith(key);
  await call("POST", `${path}/projects`, { name: "shop" });
  return { name, path, key, call };
}

export async function createEdgeKey(): Promise<{ id: string; key: string; call: Call }> {
  const { body } = await admin("POST", "/v1/api-keys", { name: "edge", scope: "edge" });
  const key = body.key ?? "";
  return { id: body.id ?? "", key, call: callWith(key) };
}

export function certificate(name: CertificateName): TestCertificate {
  return inject("certificates")[name];
}

export function pemOf(name: CertificateName): string {
  return certificate(name).certificatePem;
}
