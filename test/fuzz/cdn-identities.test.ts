/** `cdn-identity-inbound`: without proof nobody is anybody, with proof the header is taken to the letter, and no secret is told. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CdnIdentityInboundOptions } from "../../src/contract/policy-options/cdn-identity-inbound.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

/** Not imported as it stands: it is compiled for the Workers runtime. */
const POLICY = fileURLToPath(new URL("../../src/policies/cdn-identity-inbound.ts", import.meta.url));
const NOW = new Date(1_800_000_000_000);
const URL_OF_REQUEST = "https://api.example.com/a?b=c";
const SECRETS = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
const IDENTITY_MAX_CHARACTERS = 4_096;
const VERDICT = { cause: "no_certificate", reason: "", certificate: { tlsClientAuth: {} } };

type User = { sub?: string; data?: Record<string, unknown> };
type PolicyRequest = Request & { user?: User };
type Policy = (request: PolicyRequest, exchange: object) => Promise<PolicyRequest | Response>;

let compile: (options: CdnIdentityInboundOptions, name: string) => Policy;

beforeAll(async () => {
  const value = (one: ArrayBuffer, other: ArrayBuffer) => timingSafeEqual(Buffer.from(one), Buffer.from(other));
  // Of the Workers runtime, and not of Node's Web Crypto.
  Object.defineProperty(crypto.subtle, "timingSafeEqual", { value, configurable: true });
  ({ compileCdnIdentityInbound: compile } = await import(POLICY));
});

afterAll(() => {
  Reflect.deleteProperty(crypto.subtle, "timingSafeEqual");
});

const bySecret = { secret: { header: "X-Cdn-Secret", values: SECRETS } };
const bySignature = { signature: { secrets: SECRETS, maxAgeSeconds: 60 } };

interface Outcome {
  user: User | undefined;
  code: string | undefined;
  /** All that was said, to the client and to the log */
  said: string;
  headers: Headers;
}

/** @param headers in which a name may stand more than once */
async function run(
  proof: CdnIdentityInboundOptions["proof"],
  headers: readonly (readonly [string, string])[],
  user?: User,
): Promise<Outcome> {
  const request: PolicyRequest = new Request(URL_OF_REQUEST, { headers: headers.map(([...pair]) => pair) });
  if (user) request.user = user;
  const lines: unknown[] = [];
  const log = { warn: (...line: unknown[]) => lines.push(line) };
  const context = { requestId: "r", log };
  const exchange = { request, verdict: VERDICT, now: () => NOW, isDevelopment: true, context };
  const result = await compile({ identityHeader: "X-Client", proof }, "cdn")(request, exchange);
  if (!(result instanceof Response)) return { user: result.user, code: undefined, said: "", headers: result.headers };
  const body = await result.text();
  expect(result.status).toBe(401);
  const { code } = JSON.parse(body) as { code: string };
  return { user: request.user, code, said: JSON.stringify([lines, body]), headers: request.headers };
}

/** As `Headers` gives it back */
const trim = (text: string) => text.replace(/^[\t ]+|[\t ]+$/g, "");
const asFieldValue = (text: string) => text.replace(/[\0\r\n]|[^\0-\xff]/g, "");

const secret = fc.oneof(
  fc.constantFrom(...SECRETS),
  fc
    .tuple(fc.constantFrom(...SECRETS), fc.array(byteMutation, { minLength: 1, maxLength: 2 }))
    .map(([text, mutations]) => asFieldValue(mutateText(text, mutations))),
  fc.constantFrom("", SECRETS.join(", "), SECRETS.join(","), SECRETS.join(""), ` ${SECRETS[0]}\t`, "undefined"),
);
const identity = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "=", ",", " ", '"', "\t", "\x7f", "\x01", "\x80", "\xff"), maxLength: 12 }),
  fc
    .integer({ min: IDENTITY_MAX_CHARACTERS - 1, max: IDENTITY_MAX_CHARACTERS + 2 })
    .map((length) => "x".repeat(length)),
);

/** Written apart from cdn-identity-decision.ts */
function codeOfIdentity(text: string): string | undefined {
  if (text === "") return "cdn_identity_required";
  const isText = [...text].every((character) => character >= " " && character !== "\x7f");
  return isText && text.length <= IDENTITY_MAX_CHARACTERS ? undefined : "cdn_identity_rejected";
}

describe("the identity of a CDN", () => {
  it("is taken to the letter with one header that says a secret, and else not at all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(secret, { maxLength: 2 }), identity, async (secrets, client) => {
        const headers = [...secrets.map((text) => ["x-cdn-secret", text] as const), ["x-client", client] as const];
        const isProven = secrets.length === 1 && SECRETS.includes(trim(secrets[0] ?? ""));
        const expected = isProven ? codeOfIdentity(trim(client)) : "cdn_identity_rejected";
        const { code, user } = await run(bySecret, headers);
        expect(code).toBe(expected);
        expect(user).toEqual(expected === undefined ? { sub: trim(client), data: {} } : undefined);
      }),
      runs(1_500),
    );
  });

  it("leaves no secret behind: in no answer, no line of the log and no header of a request that passed", async () => {
    await fc.assert(
      fc.asyncProperty(secret, identity, async (text, client) => {
        fc.pre(trim(text).length > 8 && !client.includes(trim(text)));
        const headers = [["X-CDN-Secret", text] as const, ["x-client", client] as const];
        const { said, code, headers: left } = await run(bySecret, headers);
        for (const told of [trim(text), ...SECRETS]) expect(said).not.toContain(told);
        if (code === undefined) expect(left.has("x-cdn-secret")).toBe(false);
      }),
      runs(500),
    );
  });

  it("is the user whichever policies ran before, and keeps what they attached; without proof it changes nothing", async () => {
    const user = fc.record(
      { sub: fc.string(), data: fc.dictionary(fc.constantFrom("mtlsAuth", "sub", "a"), fc.jsonValue()) },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(user, fc.boolean(), async (before, isProven) => {
        const given = structuredClone(before);
        const headers = [["x-client", "CN=a"] as const, ["x-cdn-secret", isProven ? SECRETS[1] : "guessed"] as const];
        const result = await run(bySecret, headers as (readonly [string, string])[], given);
        expect(result.user).toEqual(isProven ? { sub: "CN=a", data: { ...before.data } } : before);
      }),
      runs(300),
    );
  });

  it("by a signature is the one that was signed; with a secret beside it, both have to hold", async () => {
    const sign = (client: string) => {
      const input = `("@method" "@target-uri" "x-client");created=${NOW.getTime() / 1_000}`;
      const base = `"@method": GET\n"@target-uri": ${URL_OF_REQUEST}\n"x-client": ${client}\n"@signature-params": ${input}`;
      const mac = createHmac("sha256", SECRETS[1] ?? "")
        .update(base)
        .digest("base64");
      return [["signature-input", `s=${input}`] as const, ["signature", `s=:${mac}:`] as const];
    };
    const client = fc.constantFrom("CN=a", "CN=b", "CN=a, CN=b");
    await fc.assert(
      fc.asyncProperty(client, client, fc.option(secret), fc.boolean(), async (signed, sent, text, isBoth) => {
        const ofSecret = text === null ? [] : [["x-cdn-secret", text] as const];
        const { code, user } = await run({ ...bySignature, ...(isBoth && bySecret) }, [
          ["x-client", sent],
          ...sign(signed),
          ...ofSecret,
        ]);
        const isProven = signed === sent && (!isBoth || SECRETS.includes(trim(text ?? "")));
        expect(code).toBe(isProven ? undefined : "cdn_identity_rejected");
        expect(user?.sub).toBe(isProven ? sent : undefined);
      }),
      runs(500),
    );
  });
});
