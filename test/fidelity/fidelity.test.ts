/**
 * One table of cases, asked of every host: status, body, user and headers are equal, and right. A difference that has to be
 * is written down with its reason, and is a failure where it is not there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CASES, type Case } from "./cases.ts";
import { startCloudflareHost } from "./hosts/cloudflare-host.ts";
import type { Host } from "./hosts/host.ts";
import { startPoolHost } from "./hosts/pool-host.ts";
import { startStackHost } from "./hosts/stack-host.ts";
import { findDifferences, type Outcome, summarize } from "./outcome.ts";
import { createScene, type Scene } from "./scene.ts";
import { HOST_TITLES } from "./table.ts";

/** In the order of the table */
const [POOL, DEV, SERVE, CLOUDFLARE] = [0, 1, 2, 3] as const;

let scene: Scene;
const hosts: Host[] = [];

beforeAll(async () => {
  scene = await createScene();
  const dev = await startStackHost("dev", scene.createProject("project-dev"), scene);
  hosts[DEV] = dev;
  hosts[SERVE] = await startStackHost("serve", scene.createProject("project-serve"), scene);
  hosts[CLOUDFLARE] = await startCloudflareHost(scene.createProject("project-cloudflare"), scene);
  const projectDir = scene.createProject("project-pool");
  hosts[POOL] = await startPoolHost({ projectDir, variables: readEgressVariables(dev.stateDir), scene, cases: CASES });
});

afterAll(async () => {
  for (const host of hosts) await host?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
});

/** The worker pool presents certificates through the egress of `dev`. */
function readEgressVariables(stateDir: string): Record<string, string> {
  const variables = Object.entries(parseEnv(readFileSync(join(stateDir, "worker.env"), "utf8")));
  const own = variables.filter(([name]) => name.startsWith("SALLYPORT_EGRESS_"));
  return Object.fromEntries(own.map(([name, value]) => [name, value ?? ""]));
}

it("the table has each case once, and more than sixty", () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  expect(CASES.length).toBeGreaterThanOrEqual(60);
});

for (const row of CASES) {
  it(row.name, async ({ task }) => {
    const request = { ...row, identity: scene.identities[row.identity] };
    const outcomes = await Promise.all(hosts.map((host) => host.ask(request)));
    const differences = judge(row, outcomes);
    const why = row.onCloudflare?.why;
    task.meta.fidelity = {
      ...{ name: row.name, outcomes: outcomes.map(summarize), differences },
      ...(why !== undefined && { why }),
    };
    expect(differences).toEqual([]);
  });
}

/** What is wrong: with the answers themselves, or between two hosts. */
function judge({ expected, onCloudflare }: Case, outcomes: readonly Outcome[]): string[] {
  const reference = outcomes[DEV];
  return outcomes.flatMap((outcome, index) => {
    const isException = index === CLOUDFLARE && onCloudflare !== undefined;
    const due = isException ? onCloudflare.expected : expected;
    const found = summarize(outcome);
    const differences = findDifferences(reference, outcome);
    const problems = found === due ? [] : [`"${found}" where "${due}" is due`];
    if (!isException) problems.push(...differences);
    else if (differences.length === 0) problems.push("equal, where a difference is documented");
    return problems.map((problem) => `${HOST_TITLES[index]}: ${problem}`);
  });
}
