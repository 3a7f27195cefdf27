/**
 * Where the keys come from that access tokens are verified with. What is fetched is bounded in time, in size and in
 * number of requests, no redirect is followed, and whatever goes wrong is {@link KeysUnavailableError}: no key, no answer
 * about the token, and nobody passes.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import {
  type CertificateBoundTokenInboundOptions,
  isSecureUrl,
} from "../contract/policy-options/certificate-bound-token-inbound.ts";
import { describeError } from "../runtime/certificate-transport.ts";

/** For metadata and keys together */
export const KEYS_TIMEOUT_MS = 3_000;
/** Of one document. Key sets of large authorization servers have some ten KiB. */
export const KEYS_MAX_BYTES = 256 * 1024;
/** Keys that were taken out of the set are believed for no longer. */
const KEYS_MAX_AGE_MS = 10 * 60_000;
/** A key id that is not there is looked for again after that, and not with every token that names one. */
const UNKNOWN_KEY_COOLDOWN_MS = 30_000;
/** After a failure, requests are refused at once for so long: none of them waits for a server that does not answer. */
export const KEYS_RETRY_AFTER_SECONDS = 5;

/** The token was not looked at, since there is nothing to verify it with. */
export class KeysUnavailableError extends Error {
  override name = "KeysUnavailableError";
}

type KeyOptions = Pick<CertificateBoundTokenInboundOptions, "issuer" | "jwksUrl" | "jwks">;

/** `getKey` throws jose's errors for what is the token's fault, and {@link KeysUnavailableError} for everything else. */
export function createAccessTokenKeys({ issuer, jwksUrl, jwks }: KeyOptions): JWTVerifyGetKey {
  if (jwks) return withCodedErrors(createLocalJWKSet(jwks), "the policy's options");
  if (jwksUrl !== undefined) return fetchKeysOf(jwksUrl, (signal) => fetchDocument(jwksUrl, signal));
  if (issuer !== undefined) return fetchKeysOf(issuer, (signal) => discoverKeys(issuer, signal));
  throw new TypeError('"issuer" is missing: one of issuer, jwksUrl, jwks is required');
}

function fetchKeysOf(source: string, fetchKeys: FetchKeys): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(source), {
    timeoutDuration: KEYS_TIMEOUT_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    cooldownDuration: UNKNOWN_KEY_COOLDOWN_MS,
    [customFetch]: withPauseAfterFailure(fetchKeys),
  });
  return withCodedErrors(remote, source);
}

function withCodedErrors(keys: JWTVerifyGetKey, source: string): JWTVerifyGetKey {
  return async function findKey(header, token) {
    try {
      return await keys(header, token);
    } catch (error) {
      if (TOKEN_ERRORS.some((type) => error instanceof type)) throw error;
      const message = `the keys of ${source} are not available: ${describeError(error)}`;
      throw new KeysUnavailableError(message, { cause: error });
    }
  };
}

const TOKEN_ERRORS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** The text of a key set, which jose parses. */
type FetchKeys = (signal: AbortSignal) => Promise<string>;

function withPauseAfterFailure(fetchKeys: FetchKeys) {
  let failure: { error: unknown; untilMs: number } | undefined;
  return async function fetchKeySet(_url: string, { signal }: { signal: AbortSignal }): Promise<Response> {
    if (failure && Date.now() < failure.untilMs) throw failure.error;
    try {
      const text = await fetchKeys(signal);
      failure = undefined;
      return new Response(text);
    } catch (error) {
      failure = { error, untilMs: Date.now() + KEYS_RETRY_AFTER_SECONDS * 1000 };
      throw error;
    }
  };
}

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

/** Looked up anew with every fetch of the keys: they may have moved. */
async function discoverKeys(issuer: string, signal: AbortSignal): Promise<string> {
  const metadata = await fetchMetadata(issuer, signal);
  // RFC 8414, section 3.3: else one issuer of a host could speak for another.
  if (metadata.issuer !== issuer) throw new Error(`the metadata are of the issuer "${metadata.issuer}"`);
  const url = URL.parse(metadata.jwks_uri);
  if (!url || (url.protocol !== "https:" && !(isSecureUrl(url) && url.origin === new URL(issuer).origin))) {
    throw new Error(`"${metadata.jwks_uri}" is not a jwks_uri that can be trusted, allowed: https://…`);
  }
  return fetchDocument(url.href, signal);
}

/** OpenID Connect Discovery 1.0, section 4.1, and where that is not found RFC 8414, section 3.1. */
async function fetchMetadata(issuer: string, signal: AbortSignal): Promise<z.infer<typeof metadataSchema>> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const urls = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ] as const;
  const text = await fetchDocument(urls[0], signal).catch((error: unknown) => {
    if (error instanceof NotFoundError) return fetchDocument(urls[1], signal);
    throw error;
  });
  return metadataSchema.parse(JSON.parse(text));
}

class NotFoundError extends Error {}

async function fetchDocument(url: string, signal: AbortSignal): Promise<string> {
  const headers = { accept: "application/json, application/jwk-set+json" };
  const response = await fetch(url, { headers, signal, redirect: "manual" });
  if (response.status === 200) return readText(response);
  await response.body?.cancel();
  const message = `"${url}" answered ${response.status}, expected: 200`;
  throw response.status === 404 ? new NotFoundError(message) : new Error(message);
}

/** The body may be larger than its headers said, or have no end; its signal ends it where nothing more comes. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > KEYS_MAX_BYTES) throw new Error(`the document is too large, allowed: ${KEYS_MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
