/** The chains of test/differential before nginx as well: its `$ssl_client_verify` beside the edge's verdict. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDisagreement, type Judgements } from "../differential/agreement.ts";
import { CORPUS, type CorpusEntry, createCorpus } from "../differential/corpus.ts";
import { DISAGREEMENTS } from "../differential/disagreements.ts";
import { createEdgeJudge, createExplainJudge, createOpensslJudge, type Judge } from "../differential/judges.ts";
import { createNginxJudge } from "./nginx-judge.ts";

let corpus: Map<string, CorpusEntry>;
let judges: Record<keyof Judgements, Judge>;

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
    const listed = DISAGREEMENTS[name];
    if (listed === undefined) expect(findDisagreement(said), JSON.stringify(said)).toBeUndefined();
    else expect(said).toEqual(listed.said);
  });
});
