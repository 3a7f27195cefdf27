/**
 * API keys: `spk_<id>_<secret>`. The id finds the row; the secret is 256 random bits, shown once and kept as its
 * SHA-256 only. A slow password hash would add nothing to a secret that cannot be guessed.
 */
import { randomHex, sha256Hex } from "./random.ts";

const API_KEY = /^spk_([0-9a-z]{1,32})_([0-9A-Za-z-]{32,128})$/;

/** The key that whoever starts the worker brings along (configuration.ts). No generated id can be equal to it. */
export const BOOTSTRAP_KEY_ID = "bootstrap";

export interface ApiKey {
  id: string;
  secret: string;
}

/** Undefined for anything that does not have the form of a key. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id, secret] = API_KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export interface CreatedApiKey {
  id: string;
  /** The whole key, for its owner; kept nowhere */
  key: string;
  secretSha256: string;
}

export async function createApiKey(): Promise<CreatedApiKey> {
  const id = randomHex(8);
  const secret = randomHex(32);
  return { id, key: `spk_${id}_${secret}`, secretSha256: await sha256Hex(secret) };
}

const NO_HASH = "0".repeat(64);

/**
 * Compares in constant time. With `expectedSha256` undefined (no such key) it does the same work and says no, so that
 * the time of the answer does not tell which ids exist.
 */
export async function isSecretOf(secret: string, expectedSha256: string | undefined): Promise<boolean> {
  const encoder = new TextEncoder();
  const actual = encoder.encode(await sha256Hex(secret));
  const equal = crypto.subtle.timingSafeEqual(actual, encoder.encode(expectedSha256 ?? NO_HASH));
  return equal && expectedSha256 !== undefined;
}
