/** DNS in the hands of an attacker: what the system's resolver answers, look-up by look-up. */
import dns, { type LookupAddress } from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

export interface ForgedLookups extends Disposable {
  /** Names that were looked up so far */
  readonly names: string[];
}

/** The last answer is given again and again. */
export function forgeLookups(answers: readonly (readonly string[])[]): ForgedLookups {
  const genuine = dns.lookup;
  const names: string[] = [];
  const use = (lookup: unknown) => {
    dns.lookup = lookup as typeof dns.lookup;
    syncBuiltinESMExports();
  };
  use((name: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    const answer = answers[Math.min(names.length, answers.length - 1)] ?? [];
    names.push(name);
    const found = answer.map((address) => ({ address, family: isIP(address) }));
    setImmediate(() => callback(null, found));
  });
  return { names, [Symbol.dispose]: () => use(genuine) };
}
