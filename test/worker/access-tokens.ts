/** An authorization server without a socket: keys, tokens bound to a certificate, and what `fetch` gets from it. */
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { vi } from "vitest";
import { NOW } from "./support.ts";

export const ISSUER = "https://login.example/tenant";
export const AUDIENCE = "https://api.example.com";
export const JWKS_URL = "https://login.example/keys";
export const NOW_SECONDS = NOW.getTime() / 1000;

export interface SigningKey {
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function createSigningKey(kid: string, algorithm = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm } };
}

/** Hexadecimal SHA-256 → `x5t#S256`, computed otherwise than the policy does. */
export function thumbprintOf(fingerprint: string): string {
  const binary = fingerprint.replace(/../g, (octet) => String.fromCharCode(Number.parseInt(octet, 16)));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Claims that are right for a client whose certificate has `fingerprint`. */
export function claimsFor(fingerprint: string): JWTPayload {
  return {
    iss: ISSUER,
    sub: "user-7",
    aud: AUDIENCE,
    exp: NOW_SECONDS + 300,
    cnf: { "x5t#S256": thumbprintOf(fingerprint) },
  };
}

export function signToken(claims: JWTPayload, { privateKey, jwk }: SigningKey, header = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: jwk.alg ?? "", kid: jwk.kid ?? "", ...header }).sign(privateKey);
}

type Answer = (signal: AbortSignal | null | undefined) => Response | Promise<Response>;

/** What each URL answers from now on; another URL is not found. The mock counts the requests. */
export function serve(answers: Record<string, Answer | object>) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = String(input);
    if (init?.redirect !== "manual") throw new Error("redirects would be followed");
    const answer = Object.hasOwn(answers, url) ? answers[url] : undefined;
    if (answer === undefined) return new Response(null, { status: 404 });
    return typeof answer === "function" ? (answer as Answer)(init.signal) : Response.json(answer);
  });
}

/** Settles when the signal says so, and never else. */
export const hang: Answer = (signal) =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
