/**
 * Private keys at rest: each is encrypted under a data key of its own, and that under the master key, both with
 * AES-256-GCM. The additional data names the record, so that a key that was copied into another row, account or
 * version does not decrypt there. Changing the master key encrypts data keys anew and touches no private key.
 */
import { encodeHex } from "../../x509/hex.ts";
import type { Configuration } from "../configuration.ts";

const IV_BYTES = 12;
const DATA_KEY_BYTES = 32;
const MASTER_KEY_ID_BYTES = 8;

/** A row's identity, and what of its content a key belongs to. */
export interface KeyOwner {
  account: string;
  project: string;
  id: string;
  version: string;
}

/** As the database has it; each of the first two is base64 of IV, ciphertext and tag. */
export interface SealedKey {
  sealedPrivateKey: string;
  wrappedDataKey: string;
  /** Which master key wrapped the data key */
  masterKeyId: string;
}

interface MasterKey {
  /** Start of the SHA-256 of the key: tells keys apart, and tells nothing about 256 random bits */
  id: string;
  key: CryptoKey;
}

export interface Keyring {
  current: MasterKey;
  /** Only opens what it wrapped */
  previous: MasterKey | undefined;
}

/** Undefined when no master key is configured. */
export async function openKeyring({ masterKey, previousMasterKey }: Configuration): Promise<Keyring | undefined> {
  if (masterKey === undefined) return undefined;
  const previous = previousMasterKey && (await importMasterKey(previousMasterKey));
  return { current: await importMasterKey(masterKey), previous };
}

async function importMasterKey(bytes: Uint8Array): Promise<MasterKey> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { id: encodeHex(digest.subarray(0, MASTER_KEY_ID_BYTES)), key: await importKey(bytes) };
}

function importKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function sealPrivateKey({ current }: Keyring, owner: KeyOwner, pkcs8: Uint8Array): Promise<SealedKey> {
  const dataKey = crypto.getRandomValues(new Uint8Array(DATA_KEY_BYTES));
  return {
    sealedPrivateKey: await encrypt(await importKey(dataKey), nameOf("private key", owner), pkcs8),
    wrappedDataKey: await encrypt(current.key, nameOf("data key", owner), dataKey),
    masterKeyId: current.id,
  };
}

type Unsealed = { ok: true; pkcs8: Uint8Array } | { ok: false; reason: string };

/** Never throws: a row that does not decrypt is one row. */
export async function unsealPrivateKey(
  keyring: Keyring | undefined,
  owner: KeyOwner,
  sealed: SealedKey,
): Promise<Unsealed> {
  const dataKey = await unwrapDataKey(keyring, owner, sealed);
  if (!dataKey.ok) return dataKey;
  const key = await importKey(dataKey.bytes);
  const pkcs8 = await decrypt(key, nameOf("private key", owner), sealed.sealedPrivateKey);
  return pkcs8 === undefined ? ALTERED : { ok: true, pkcs8 };
}

type Rewrapped =
  | { ok: true; wrapped: Pick<SealedKey, "wrappedDataKey" | "masterKeyId"> }
  | { ok: false; reason: string };

/** The same data key under the present master key. Never throws. */
export async function rewrapDataKey(keyring: Keyring, owner: KeyOwner, sealed: SealedKey): Promise<Rewrapped> {
  const dataKey = await unwrapDataKey(keyring, owner, sealed);
  if (!dataKey.ok) return dataKey;
  const wrappedDataKey = await encrypt(keyring.current.key, nameOf("data key", owner), dataKey.bytes);
  return { ok: true, wrapped: { wrappedDataKey, masterKeyId: keyring.current.id } };
}

const ALTERED = { ok: false, reason: "it was altered, or moved from another record" } as const;

async function unwrapDataKey(
  keyring: Keyring | undefined,
  owner: KeyOwner,
  { masterKeyId, wrappedDataKey }: Pick<SealedKey, "wrappedDataKey" | "masterKeyId">,
) {
  const master = [keyring?.current, keyring?.previous].find((one) => one?.id === masterKeyId);
  if (master === undefined) {
    return { ok: false, reason: `it is under the master key ${masterKeyId}, which is not configured` } as const;
  }
  const bytes = await decrypt(master.key, nameOf("data key", owner), wrappedDataKey);
  return bytes === undefined ? ALTERED : ({ ok: true, bytes } as const);
}

/** JSON, so that no two owners read alike however their names are made up. */
function nameOf(what: "private key" | "data key", { account, project, id, version }: KeyOwner) {
  return new TextEncoder().encode(JSON.stringify(["mtls-certificate", what, account, project, id, version]));
}

async function encrypt(key: CryptoKey, additionalData: Uint8Array, plain: Uint8Array): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, new Uint8Array(plain));
  return btoa(String.fromCharCode(...iv, ...new Uint8Array(sealed)));
}

/** Undefined for anything but what {@link encrypt} made under this key and name. */
async function decrypt(key: CryptoKey, additionalData: Uint8Array, sealed: string) {
  try {
    const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0));
    const algorithm = { name: "AES-GCM", iv: bytes.subarray(0, IV_BYTES), additionalData };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.subarray(IV_BYTES)));
  } catch {
    return undefined;
  }
}
