/**
 * The project in the vitest worker pool, with the test kit in the place of the edge. The pool asks everything in one run;
 * then each answer is there to be looked up. Origins are reached through another host's egress, not by mocks.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sanitizeHeaders } from "../../../edge-shim/ingress/sanitize.ts";
import { REPOSITORY, runCommand } from "../../system/sallyport.ts";
import type { Case } from "../cases.ts";
import type { Identity } from "../identities.ts";
import { createOutcome } from "../outcome.ts";
import type { PoolAnswer, PoolCase, PoolClient } from "../pool/pool-case.ts";
import type { PoolRun } from "../pool/vitest.pool.config.ts";
import type { Scene } from "../scene.ts";
import type { Host } from "./host.ts";

const VITEST = join(REPOSITORY, "node_modules/vitest/vitest.mjs");
const CONFIG = join(REPOSITORY, "test/fidelity/pool/vitest.pool.config.ts");

export interface PoolHostOptions extends Pick<PoolRun, "projectDir" | "variables"> {
  scene: Scene;
  cases: readonly Case[];
}

export async function startPoolHost({ projectDir, variables, scene, cases }: PoolHostOptions): Promise<Host> {
  const answersPath = join(scene.folder, "pool-answers.json");
  const runPath = join(scene.folder, "pool-run.json");
  const poolCases = cases.map((row) => describeCase(row, scene.identities[row.identity]));
  writeFileSync(runPath, JSON.stringify({ projectDir, variables, cases: poolCases, answersPath } satisfies PoolRun));
  const { code, stdout, stderr } = await runCommand(process.execPath, [VITEST, "run", "--config", CONFIG], {
    environment: { FIDELITY_POOL: runPath },
  });
  if (code !== 0) throw new Error(`the worker pool failed:\n${stdout}\n${stderr}`);
  const answers = JSON.parse(readFileSync(answersPath, "utf8")) as Record<string, PoolAnswer>;
  return {
    async ask({ name }) {
      const answer = answers[name];
      if (answer === undefined) throw new Error(`the worker pool did not ask "${name}"`);
      return createOutcome(answer.status, answer.headers, answer.body);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** As the edge would forward it */
function describeCase({ name, method, path, headers, body }: Case, identity: Identity): PoolCase {
  const kept = sanitizeHeaders(Object.entries(headers).flat(), undefined);
  const pairs = kept.flatMap((text, index) => (index % 2 === 0 ? [[text, kept[index + 1] ?? ""]] : []));
  return {
    ...{ name, method, path, headers: pairs as PoolCase["headers"], client: describeClient(identity) },
    ...(body !== undefined && { body }),
  };
}

function describeClient({ certificate, certVerified, anchor }: Identity): PoolClient | undefined {
  if (certificate === undefined || certVerified === "NONE") return undefined;
  if (certVerified === "FAILED") throw new Error("the test kit has no failure without a reason");
  return { chainPem: certificate.chainPem, certVerified, caCertificates: anchor === undefined ? [] : [anchor] };
}
