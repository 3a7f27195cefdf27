/** Clocks jump: verdicts and assertions follow the edge's clock, and a worker whose clock is elsewhere says so. */
import { beforeAll, beforeEach, expect, it } from "vitest";
import { createAssertionSigner, createSigningJwk } from "../../edge-shim/ingress/assertion-signer.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { ASSERTION_CLOCK_TOLERANCE_SECONDS } from "../../src/contract/limits.ts";
import { ask, createKeepAliveAgent } from "../edge/harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "../edge/harness/edge.ts";
import { waitFor } from "../system/sallyport.ts";
import { type GatewayWorker, startGatewayWorker } from "./harness/gateway-worker.ts";

const HOUR_MS = 60 * 60 * 1_000;
const LEAF_HOURS = 2;
/** What the example project demands of the issuer */
const ISSUER = "CN=example-ca,O=Example,C=US";

let root: CertificateAuthority;
let identity: IssuedCertificate;
beforeAll(async () => {
  root = await createCertificateAuthority({ subject: ISSUER });
});
beforeEach(async () => {
  const fromNow = (hours: number) => new Date(Date.now() + hours * HOUR_MS);
  identity = await root.issue({ subject: "CN=client", notBefore: fromNow(-LEAF_HOURS), notAfter: fromNow(LEAF_HOURS) });
});

const accounts = () => ({ acme: { domains: [HOST], caCertificates: { root } } });

/** Verdict and signature of each request on one connection, with the clock `hours` away from where it was. */
async function judge(edge: TestEdge, agent: ReturnType<typeof createKeepAliveAgent>, hours: number) {
  edge.clock.advance(hours * HOUR_MS);
  const { headers } = (await ask(edge, { identity, agent })).seen();
  // Also says that the assertion is valid by the clock of the edge
  const { tlsClientAuth } = await edge.readAssertion(headers);
  return { verdict: tlsClientAuth.certVerified, token: headers[EDGE_ASSERTION_HEADER] };
}

it.for([1, -1])(
  "a clock that jumps by %i h keeps the verdicts, and has new assertions signed",
  async (hours, { task }) => {
    await using edge = await startTestEdge({ accounts: accounts() });
    const agent = createKeepAliveAgent();
    const before = await judge(edge, agent, 0);
    const after = await judge(edge, agent, hours);
    // Not quite back: a second signature of the same words is the same.
    const again = await judge(edge, agent, -hours + 0.01);
    agent.destroy();
    expect([before, after, again].map(({ verdict }) => verdict)).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
    expect(new Set([before, after, again].map(({ token }) => token)).size).toBe(3);
    const refused = "verdicts stay; assertions are signed anew, there and back";
    task.meta.faults = [{ fault: `clock: ${hours > 0 ? "+" : "−"}1 h, and back`, refused }];
  },
);

it.for<[direction: string, hours: number, reason: string]>([
  ["past the end of the certificate", LEAF_HOURS + 1, "certificate has expired"],
  ["before its beginning", -LEAF_HOURS - 1, "certificate is not yet valid"],
])(
  "a clock that jumps %s ends verdicts, on open connections and new ones, until it is back",
  async ([direction, hours, reason], { task }) => {
    await using edge = await startTestEdge({ accounts: accounts() });
    const agent = createKeepAliveAgent();
    const verdicts: string[] = [];
    // The connection of a verdict that ended is closed after that answer: the third is a new one, and so is the last.
    for (const jump of [0, hours, 0, -hours, 0]) verdicts.push((await judge(edge, agent, jump)).verdict);
    agent.destroy();
    const failed = `FAILED:${reason}`;
    expect(verdicts).toEqual(["SUCCESS", failed, failed, failed, "SUCCESS"]);
    task.meta.faults = [{ fault: `clock: ${direction}, and back`, refused: `${failed}, until the clock is back` }];
  },
);

/** An edge whose clock is ahead of the worker's, or behind it. */
async function askThrough(
  worker: GatewayWorker,
  signingKey: Awaited<ReturnType<typeof createSigningJwk>>,
  seconds: number,
) {
  await using edge = await startTestEdge({ accounts: accounts(), upstream: { url: worker.url }, signingKey });
  edge.clock.nowMs = Date.now() + seconds * 1_000;
  return await ask(edge, { identity, path: "/v1/example" });
}

it("an edge and a worker whose clocks are apart: no request passes, and the worker's log says why", async ({
  task,
}) => {
  const signingKey = await createSigningJwk();
  await using worker = await startGatewayWorker((await createAssertionSigner(signingKey)).jwks);
  const withinSeconds = ASSERTION_CLOCK_TOLERANCE_SECONDS - 2;
  for (const seconds of [0, withinSeconds, -withinSeconds]) {
    expect(await askThrough(worker, signingKey, seconds)).toMatchObject({ status: 200 });
  }
  expect(worker.log.filter((line) => line.includes("assertion"))).toEqual([]);
  for (const [seconds, reason] of [
    [3_600, /edge assertion claims: .*iat.*should be in the past/],
    [-3_600, /edge assertion expired/],
  ] as const) {
    expect((await askThrough(worker, signingKey, seconds)).status).toBe(401);
    await waitFor(
      async () => worker.log.some((line) => reason.test(line)) || undefined,
      () => worker.log.join("\n"),
    );
  }
  const refused = `401, and "edge assertion refused" in the worker's log; ±${withinSeconds} s pass`;
  task.meta.faults = [{ fault: "clock: the worker's an hour apart", refused }];
});
