/** One chain, several judges: the edge over a real TLS handshake, `openssl verify`, and `sallyport explain`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDisagreement, type Judgements } from "./agreement.ts";
import { CORPUS, CORPUS_SEED, type CorpusEntry, createCorpus } from "./corpus.ts";
import { DISAGREEMENTS } from "./disagreements.ts";
import { createEdgeJudge, createExplainJudge, createOpensslJudge, type Judge } from "./judges.ts";

let corpus: Map<string, CorpusEntry>;
let edge: Judge;
let openssl: Judge;
let explain: Judge;
const counts = new Map<string, number>();

beforeAll(async () => {
  const entries = await createCorpus();
  corpus = new Map(entries.map((entry) => [entry.name, entry]));
  [edge, openssl, explain] = [await createEdgeJudge(entries), await createOpensslJudge(), createExplainJudge()];
});

afterAll(async () => {
  for (const judge of [edge, openssl, explain]) await judge[Symbol.asyncDispose]();
  const distribution = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  console.log(`${CORPUS.length} chains (seed ${CORPUS_SEED}): the edge says ${distribution}`);
});

async function judge(name: string): Promise<Judgements> {
  const entry = corpus.get(name) as CorpusEntry;
  const said = await Promise.all([edge.judge(entry), openssl.judge(entry), explain.judge(entry)]);
  const kind = said[0].split(":", 1)[0] as string;
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return { edge: said[0], openssl: said[1], explain: said[2] };
}

it("more than two hundred chains are judged, each by its own name", () => {
  expect(CORPUS.length).toBeGreaterThan(200);
  expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
});

it("the table of disagreements is about chains of the corpus that do disagree", () => {
  const names = CORPUS.map(({ name }) => name);
  for (const [name, { said }] of Object.entries(DISAGREEMENTS)) {
    expect(names).toContain(name);
    expect(findDisagreement(said), name).toBeDefined();
  }
});

describe("edge, openssl verify and explain agree, or disagree as listed, on", () => {
  it.concurrent.each(CORPUS)("$name", async ({ name }) => {
    const said = await judge(name);
    const listed = DISAGREEMENTS[name];
    if (listed === undefined) expect(findDisagreement(said), JSON.stringify(said)).toBeUndefined();
    else expect(listed.said).toMatchObject(said);
  });
});
