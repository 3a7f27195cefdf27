/**
 * The chains that are judged by several judges (judges.ts, and test/interop for nginx): those of test/explain, more that
 * were thought of, and what fast-check makes of a seed.
 */
import type { Identity } from "../edge/harness/client.ts";
import { createAccounts, createAuthorities } from "../explain/authorities.ts";
import { CASES } from "../explain/cases.ts";
import { type Chain, createKit, type Kit, type Roots, type Table } from "./cases/case.ts";
import { ENCODED } from "./cases/encodings.ts";
import { EXTENSIONS } from "./cases/extensions.ts";
import { generateChains } from "./cases/generated.ts";
import { KEYS } from "./cases/keys.ts";
import { mutateCertificates } from "./cases/mutants.ts";
import { PATHS } from "./cases/paths.ts";

/** Fixed: what stands in the table of disagreements was found with it */
export const CORPUS_SEED = 5;
const GENERATED = 100;
const MUTANTS = 80;

export interface CorpusEntry {
  name: string;
  identity: Identity;
  /** What is uploaded */
  roots: Roots;
  /** Another one for other roots: the host name that the client asks for */
  hostname: string;
}

interface Plan {
  name: string;
  make: (kit: Kit) => Chain | Promise<Chain>;
}

/** What there is, before any of it is made. */
export const CORPUS: readonly Plan[] = [
  ...plansOf("explain", explainedChains()),
  ...plansOf("keys", KEYS),
  ...plansOf("extensions", EXTENSIONS),
  ...plansOf("encodings", ENCODED),
  ...plansOf("paths", PATHS),
  ...plansOf("generated", generateChains(GENERATED, CORPUS_SEED)),
  ...plansOf("mutant", mutateCertificates(MUTANTS, CORPUS_SEED)),
];

function plansOf(group: string, table: Table): Plan[] {
  return Object.entries(table).map(([name, make]) => ({ name: `${group}: ${name}`, make }));
}

function explainedChains(): Table {
  return Object.fromEntries(
    CASES.map(({ name, host, make }) => [
      host === "usual" ? name : `${name} (${host})`,
      async (kit) => ({ ...(await make(kit)), roots: createAccounts(kit)[host].caCertificates ?? {} }),
    ]),
  );
}

/** In the order of {@link CORPUS}. */
export async function createCorpus(): Promise<CorpusEntry[]> {
  const kit = createKit(await createAuthorities());
  const hostnames = new Map<string, string>();
  const chains = await Promise.all(CORPUS.map(async ({ name, make }) => ({ name, chain: await make(kit) })));
  return chains.map(({ name, chain: { keyPem, chainPem, roots = { root: kit.root } } }) => {
    const key = JSON.stringify(Object.entries(roots).map(([id, { certificatePem }]) => [id, certificatePem]));
    const hostname = hostnames.get(key) ?? `roots-${hostnames.size}.test`;
    hostnames.set(key, hostname);
    return { name, identity: { keyPem, chainPem }, roots, hostname };
  });
}
