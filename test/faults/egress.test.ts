/** An origin keeps everybody waiting: other origins are served meanwhile, and so are the clients of the edge. */
import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createLatencies } from "../../bench/measurement/latencies.ts";
import { printNumber } from "../../bench/measurement/print-number.ts";
import { EGRESS_CALL_HEADER, EGRESS_FAILURE_HEADER, formatEgressCall } from "../../src/contract/egress.ts";
import { observe } from "./harness/observation.ts";
import { type Origin, type OriginKind, type OriginTls, startOrigin } from "./harness/origins.ts";
import { ACCOUNT, createStand, issue, type Pki, PROJECT, type Stand } from "./harness/stand.ts";
import { printCounts } from "./table.ts";

const WAITING = 300;
const CERTIFICATE = "gateway";
/** Shorter than the defaults, so that the test need not wait for a minute */
const LIMITS = { headersTimeoutMs: 6_000, connectTimeoutMs: 6_000 };
const BYSTANDER_INTERVAL_MS = 20;

let stand: Stand;
let tls: OriginTls;
let answering: Origin;
/** As the worker of the project: each request on a connection of its own */
const worker = new Agent({ pipelining: 1 });

beforeAll(async () => {
  stand = await createStand({
    egress: { project: `${ACCOUNT}/${PROJECT}`, limits: LIMITS },
    trust: async (pki) => ({ bundle: await withCertificate(pki) }),
  });
  const server = await stand.ca.issueServer({ hostnames: ["localhost"] });
  tls = { cert: server.chainPem, key: server.keyPem, ca: stand.ca.certificatePem };
  answering = await startOrigin("answers", tls);
});
afterAll(async () => {
  await worker.destroy();
  await stand?.[Symbol.asyncDispose]();
  await answering?.[Symbol.asyncDispose]();
});

/** What the clients of the edge need, and a certificate to present to origins of the same CA. */
async function withCertificate({ ca, bundle }: Pki) {
  const { cert: certificate, key: privateKey } = await issue(ca, "CN=gateway");
  const [account] = bundle.accounts;
  if (account === undefined) throw new Error("the bundle has no account");
  const presented = {
    ...{ id: "cert_faults", version: "1", name: CERTIFICATE, project: PROJECT, isDisabled: false },
    ...{ environmentTypes: ["production" as const], certificate, privateKey },
  };
  const originCa = { id: "oca_faults", name: "faults_ca", project: PROJECT, certificate: ca.certificatePem };
  return { ...bundle, accounts: [{ ...account, mtlsCertificates: [presented], originCaCertificates: [originCa] }] };
}

/** `200`, or the code of the failure */
async function ask(origin: Origin): Promise<string> {
  const { url = "", token = "" } = stand.edge.output.egress ?? {};
  const { statusCode, headers, body } = await request(url, {
    dispatcher: worker,
    headers: {
      [EGRESS_CALL_HEADER]: formatEgressCall({
        ...{ token, project: `${ACCOUNT}/${PROJECT}`, certificate: CERTIFICATE },
        ...{ requestId: undefined, target: `${origin.url}/` },
      }),
    },
  });
  await body.dump();
  return String(headers[EGRESS_FAILURE_HEADER] ?? statusCode);
}

/** Requests to the origin that answers, until it is told to end. */
function startBystander() {
  const latencies = createLatencies();
  const heard: string[] = [];
  let isEnding = false;
  async function keepAsking(): Promise<void> {
    while (!isEnding) {
      const askedMs = performance.now();
      heard.push(await ask(answering));
      latencies.add(performance.now() - askedMs);
      await delay(BYSTANDER_INTERVAL_MS);
    }
  }
  const running = keepAsking();
  return {
    async end() {
      isEnding = true;
      await running;
      return { heard, p99: latencies.summarize().p99 };
    },
  };
}

it.for<[title: string, kind: OriginKind]>([
  ["takes requests and never answers", "silent"],
  ["takes requests over HTTP/2 and never answers", "silent-http2"],
  ["accepts connections and never shakes hands", "mute"],
])("an origin that %s costs its own requests, and no others", async ([title, kind], test) => {
  await using origin = await startOrigin(kind, tls);
  const observation = await observe(stand, test, `egress: an origin ${title}`);
  let ended: string[] = [];
  let seen = { heard: [] as string[], p99: 0 };
  const { failed, leastInASecond } = await observation.during(async () => {
    const bystander = startBystander();
    ended = await Promise.all(Array.from({ length: WAITING }, () => ask(origin)));
    seen = await bystander.end();
  });
  expect(ended).toEqual(Array.from({ length: WAITING }, () => "origin_timeout"));
  expect(seen.heard.length).toBeGreaterThan(10);
  expect(seen.heard.filter((heard) => heard !== "200")).toEqual([]);
  expect(failed).toEqual({});
  expect(leastInASecond).toBeGreaterThan(0);
  await observation.recover(
    `${printCounts({ origin_timeout: ended.length })}; the other origin answered ${seen.heard.length} of ${seen.heard.length}, p99 ${printNumber(seen.p99)} ms`,
  );
});
