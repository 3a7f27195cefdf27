/**
 * One chain, four judges: the edge over a real TLS handshake, `openssl verify`, nginx's `$ssl_client_verify` and
 * `sallyport explain`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDisagreement, type Judgements } from "../differential/agreement.ts";
import { CORPUS, CORPUS_SEED, type CorpusEntry, createCorpus } from "../differential/corpus.ts";
import { DISAGREEMENTS } from "../differential/disagreements.ts";
import { createEdgeJudge, createExplainJudge, createOpensslJudge, type Judge } from "../differential/judges.ts";
import { createNginxJudge } from "./nginx-judge.ts";

let corpus: Map<string, CorpusEntry>;
let judges: Record<keyof Judgements, Judge>;
const counts = new Map<string, number>();

beforeAll(async () => {
  const entries = await createCorpus();
  corpus = new Map(entries.map((entry) => [entry.name, entry]));
  judges = {
    edge: await createEdgeJudge(entries),
    openssl: await createOpensslJudge(),
    explain: createExplainJudge(),
    nginx: await createNginxJudge(entries),
  };
});
afterAll(async () => {
  for (const judge of Object.values(judges)) await judge[Symbol.asyncDispose]();
  const distribution = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  console.log(`${CORPUS.length} chains (seed ${CORPUS_SEED}): the edge says ${distribution}`);
});

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

describe("nginx, edge, openssl verify and explain agree, or disagree as listed, on", () => {
  it.concurrent.each(CORPUS)("$name", async ({ name }) => {
    const entry = corpus.get(name) as CorpusEntry;
    const said: Required<Judgements> = {
      edge: await judges.edge.judge(entry),
      openssl: await judges.openssl.judge(entry),
      explain: await judges.explain.judge(entry),
      nginx: await judges.nginx.judge(entry),
    };
    const kind = said.edge.split(":", 1)[0] as string;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const listed = DISAGREEMENTS[name];
    if (listed === undefined) expect(findDisagreement(said), JSON.stringify(said)).toBeUndefined();
    else expect(said).toEqual(listed.said);
  });
});
