/**
 * Options of the `certificate-bound-token-inbound` policy. One schema for `sallyport build` and for the gateway worker,
 * so that what builds also loads.
 */
import type { JWK } from "jose";
import { z } from "zod";
import { reportUnsetOptions } from "./validate-options.ts";

/**
 * What may sign an access token, in the names of RFC 7518 and RFC 8037 (RFC 9864 for `Ed25519`). Signatures only: with
 * a MAC (`HS256`) everybody who knows the public key could issue tokens, and `none` is no signature.
 */
export const TOKEN_ALGORITHMS = [
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
  "EdDSA",
  "Ed25519",
] as const;

const CLOCK_TOLERANCE_MAX_SECONDS = 300;

const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** Keys that came over plain HTTP would be those of whoever is on the way; on this machine nobody is. */
export function isSecureUrl(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK_HOSTS.includes(url.hostname));
}

const secureUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  if (!url || !isSecureUrl(url) || url.username !== "" || url.password !== "" || url.hash !== "") {
    context.addIssue(`"${text}" is not the URL of a server of keys, allowed: https://… and http://127.0.0.1:<port>`);
  }
});

/** RFC 8414, section 2: an issuer has no query. */
const issuerUrl = secureUrl.refine((text) => !text.includes("?"), {
  error: (issue) => `"${String(issue.input)}" is not an issuer: it has a query, which an issuer never has`,
});

const publicKey = z.custom<JWK>().superRefine((key, context) => {
  const kty: unknown = typeof key === "object" && key !== null ? key.kty : undefined;
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP") {
    context.addIssue(`"kty" is ${JSON.stringify(kty) ?? "missing"}, allowed: RSA, EC, OKP`);
  } else if ("d" in key) context.addIssue('"d" makes a private key of it, only public keys are allowed');
});

const audience = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
  error: '"audience" is not the name of this API as tokens have it, expected: a string, or several in an array',
});

export const certificateBoundTokenInboundOptionsSchema = z
  .strictObject({
    /** What `iss` has to be; without `jwksUrl` and `jwks` its metadata (OpenID Connect Discovery, RFC 8414) name the keys */
    issuer: issuerUrl.optional(),
    /** Where the keys of the authorization server are (RFC 7517) */
    jwksUrl: secureUrl.optional(),
    /** The keys themselves */
    jwks: z
      .object({
        /** Public keys as JSON (RFC 7517) */
        keys: z.array(publicKey).min(1),
      })
      .optional(),
    /** One of them has to be in `aud`. Required: a token for another API is not for this one (RFC 9068, section 4). */
    audience,
    /** What may sign a token. Default: every one that is allowed */
    algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).optional(),
    /** How far the clocks of the authorization server and of the worker may differ */
    clockToleranceSeconds: z.int().min(0).max(CLOCK_TOLERANCE_MAX_SECONDS).default(5),
  })
  .superRefine((options, context) => {
    reportUnsetOptions(options, context);
    const { issuer, jwksUrl, jwks } = options;
    if (issuer === undefined && jwksUrl === undefined && jwks === undefined) {
      const message = '"issuer" is missing: one of issuer, jwksUrl, jwks has to say where the keys are';
      context.addIssue({ code: "custom", path: ["issuer"], message });
    }
    if (jwksUrl !== undefined && jwks !== undefined) {
      const message = '"jwks" stands beside jwksUrl, allowed: one of them';
      context.addIssue({ code: "custom", path: ["jwks"], message });
    }
  });

export type CertificateBoundTokenInboundOptions = z.infer<typeof certificateBoundTokenInboundOptionsSchema>;
