/** The edge's Ed25519 key: signs assertions, publishes its public half as a JWKS. The private half never leaves. */
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, sign } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet, type JWK } from "jose";
import { ASSERTION_ALGORITHM, type EdgeAssertion, signEdgeAssertion } from "../../src/contract/edge-assertion.ts";

export interface AssertionSigner {
  sign(assertion: EdgeAssertion, nowMs: number): Promise<string>;
  /** What a worker needs to verify: `SALLYPORT_EDGE_JWKS` */
  readonly jwks: JSONWebKeySet;
}

/** A new private key as JWK, to be kept in the state directory (0600). */
export async function createSigningJwk(): Promise<JWK> {
  const { privateKey } = generateKeyPairSync("ed25519");
  return exportJWK(privateKey);
}

/** @throws TypeError when `jwk` is not an Ed25519 private key */
export async function createAssertionSigner(jwk: JWK): Promise<AssertionSigner> {
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || jwk.d === undefined) {
    throw new TypeError("the edge's signing key is not an Ed25519 private key in JWK form");
  }
  const { kty, crv, x } = jwk;
  const publicJwk = { kty, crv, x } as JWK;
  const keyId = await calculateJwkThumbprint(publicJwk);
  const privateKey = createPrivateKey({ format: "jwk", key: jwk as JsonWebKey });
  const key = { keyId, sign: (bytes: Uint8Array) => sign(null, bytes, privateKey) };
  return {
    sign: (assertion, nowMs) => signEdgeAssertion(assertion, key, Math.floor(nowMs / 1_000)),
    jwks: { keys: [{ ...publicJwk, kid: keyId, alg: ASSERTION_ALGORITHM, use: "sig" }] },
  };
}
