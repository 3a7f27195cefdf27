/**
 * Assertions that were verified, by their exact string: the hot path of a request is one look-up here. Bounded in
 * entries and in characters, because tokens vary in size with the client's chain. Only verified tokens are kept, so
 * a flood of forged ones cannot push the real ones out.
 */

export interface VerifiedAssertions<Value> {
  get(token: string): Value | undefined;
  set(token: string, value: Value): void;
  delete(token: string): void;
  readonly size: number;
  /** Characters of all tokens together */
  readonly characters: number;
}

export interface VerifiedAssertionsLimits {
  maxEntries: number;
  maxCharacters: number;
}

/** One entry a connection and verdict; 10,000 connections with 1.6 KB tokens fit. */
export const VERIFIED_ASSERTIONS_LIMITS: VerifiedAssertionsLimits = {
  maxEntries: 10_000,
  maxCharacters: 16 * 1024 * 1024,
};

/** Forgets the oldest first: tokens live a minute, so the oldest is the one that expires next. */
export function createVerifiedAssertions<Value>(limits: VerifiedAssertionsLimits): VerifiedAssertions<Value> {
  const entries = new Map<string, Value>();
  let characters = 0;

  function remove(token: string): void {
    if (entries.delete(token)) characters -= token.length;
  }

  return {
    get: (token) => entries.get(token),
    delete: remove,
    set(token, value) {
      if (token.length > limits.maxCharacters) return;
      remove(token);
      entries.set(token, value);
      characters += token.length;
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.maxEntries && characters <= limits.maxCharacters) break;
        remove(oldest);
      }
    },
    get size() {
      return entries.size;
    },
    get characters() {
      return characters;
    },
  };
}
