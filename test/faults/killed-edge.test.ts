/** The edge is killed while it writes its copy of the bundle: the next start finds the old one or the new one, whole. */
import { readdirSync, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Child, startChild } from "../../bench/processes/start-child.ts";
import { createScratchDirectory, type ScratchDirectory } from "../../bench/suites/scratch-directory.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { trustBundleSchema } from "../../src/contract/trust-bundle.ts";
import { type ScriptedControlPlane, startControlPlane } from "../edge/harness/control-plane.ts";
import { createBundle } from "../edge/harness/trust.ts";
import { cachePathIn } from "./harness/control-stand.ts";
import { CA_SUBJECT, HOSTNAME, issue } from "./harness/stand.ts";
import type { VerdictAnswer } from "./processes/answers.ts";
import type { EdgeInput, EdgeOutput } from "./processes/edge-process.ts";
import { createHttp1Client } from "./processes/http-client.ts";

/** Some megabytes, so that writing takes a while */
const ACCOUNTS = 2_000;
const KILLS = 12;
/** After the first sign of a write: in its middle, or right after it */
const KILL_DELAYS_MS = [0, 1, 2, 4];
const EDGE = new URL("./processes/edge-process.ts", import.meta.url);
const WORKER = new URL("./processes/worker-process.ts", import.meta.url);

let scratch: ScratchDirectory;
let ca: CertificateAuthority;
let control: ScriptedControlPlane;
beforeAll(async () => {
  scratch = createScratchDirectory();
  ca = await createCertificateAuthority({ subject: CA_SUBJECT });
  control = await startControlPlane(createManyAccounts());
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  scratch.remove();
});

function createManyAccounts() {
  const others = Array.from({ length: ACCOUNTS }, (_, index) => [
    `account-${index}`,
    { domains: [`${index}.test`], caCertificates: { ca } },
  ]);
  return createBundle({ acme: { domains: [HOSTNAME], caCertificates: { ca } }, ...Object.fromEntries(others) });
}

function startEdge(cachePath: string, upstreamUrl: string): Promise<Child<EdgeOutput>> {
  const trust = { control: { url: control.url, apiKey: "spk_edge", cachePath } };
  return startChild<EdgeInput, EdgeOutput>(
    EDGE,
    { upstreamUrl, trust, hostname: HOSTNAME },
    { execArgv: ["--expose-gc"] },
  );
}

/** Resolves at the first sign of a file being written beside the copy. */
function writeBegins(cachePath: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(dirname(cachePath), (_event, name) => {
    // What an earlier kill left is removed at the start. A short write is over when its first sign is heard.
    if (name === basename(cachePath) || leftovers(cachePath).some((leftover) => leftover === name)) resolve();
  });
  return promise.finally(() => watcher.close());
}

it("an edge that is killed while it writes its copy leaves the old one or the new one, and starts from it", async ({
  task,
}) => {
  const cachePath = cachePathIn(scratch.create("edge"));
  const worker = await startChild<object, { url: string }>(WORKER, {});
  let [old, halfWritten] = [0, 0];
  let before: string | undefined;
  for (let kill = 0; kill < KILLS; kill++) {
    control.bundle = createManyAccounts();
    const { version } = control.bundle;
    const begun = writeBegins(cachePath);
    const edge = await startEdge(cachePath, worker.output.url);
    await begun;
    await delay(KILL_DELAYS_MS[kill % KILL_DELAYS_MS.length]);
    process.kill(edge.pid, "SIGKILL");
    await edge.stop();
    const kept = readCopy(cachePath);
    expect([before, version]).toContain(kept);
    if (kept !== version) old += 1;
    if (leftovers(cachePath).length > 0) halfWritten += 1;
    before = kept;
  }
  expect(halfWritten, "kills that met a write").toBeGreaterThan(0);
  await control[Symbol.asyncDispose]();
  const edge = await startEdge(cachePath, worker.output.url);
  try {
    expect(leftovers(cachePath)).toEqual([]);
    expect(await askVerdict(edge.output)).toBe("SUCCESS");
  } finally {
    await edge.stop();
    await worker.stop();
  }
  const refused = `${KILLS} kills: ${halfWritten} in the middle of a write, after ${old} the old copy was there, else the new one; never half a one`;
  task.meta.faults = [{ fault: "edge: kill -9 while it writes its copy", refused }];
});

/** The version of the copy; undefined when there is none. @throws when it is not whole */
function readCopy(cachePath: string): string | undefined {
  if (!readdirSync(dirname(cachePath)).includes("control-bundle.json")) return undefined;
  return trustBundleSchema.parse(JSON.parse(readFileSync(cachePath, "utf8"))).version;
}

function leftovers(cachePath: string): string[] {
  return readdirSync(dirname(cachePath)).filter((name) => name.endsWith(".tmp"));
}

async function askVerdict({ port, caPem }: EdgeOutput): Promise<string> {
  const { subject: _, ...identity } = await issue(ca, "CN=client");
  const tls = { host: "127.0.0.1", port, servername: HOSTNAME, ca: caPem, ...identity };
  const { body } = await createHttp1Client(tls, { isKept: false }).get("/", { host: HOSTNAME });
  return (JSON.parse(body) as VerdictAnswer).verdict;
}
