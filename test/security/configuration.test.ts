/**
 * What the edge is told about whom to trust is damaged, late, or somebody else's. Whoever was verified stays verified by
 * the last good bundle, whoever was not gets nothing out of it, and an edge without a bundle does not start: never is no
 * bundle, or half of one, taken for "no client authentication" (Caddy CVE-2026-27586, Traefik CVE-2022-46153).
 */
import { once } from "node:events";
import { rename, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createControlTrustSource } from "../../edge-shim/trust/control-trust-source.ts";
import { createFileTrustSource } from "../../edge-shim/trust/file-trust-source.ts";
import { TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { askForAssertion, createKeepAliveAgent } from "../edge/harness/client.ts";
import { createWorkFolder, type WorkFolder } from "../edge/harness/command.ts";
import { type ScriptedControlPlane, startControlPlane } from "../edge/harness/control-plane.ts";
import { HOST, startTestEdge, type TestEdge } from "../edge/harness/edge.ts";
import { createBundle } from "../edge/harness/trust.ts";
import { until } from "../edge/harness/until.ts";
import {
  ANSWERS_500,
  type Answer,
  type ControlFault,
  type ControlProxy,
  changeDocuments,
  changeIndex,
  GARBAGE,
  REFUSES_KEY,
  startControlProxy,
} from "../faults/harness/control-proxy.ts";
import { DAMAGED } from "../faults/harness/damaged-bundles.ts";

const SUBJECT = "CN=example-ca,O=Example,C=US";
/** Above the limit for one answer of a control plane */
const TOO_LARGE_BYTES = 80 * 1024 * 1024;

let root: CertificateAuthority;
let rogueRoot: CertificateAuthority;
let client: IssuedCertificate;
let rogue: IssuedCertificate;
let folder: WorkFolder;
let edge: TestEdge | undefined;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: SUBJECT });
  rogueRoot = await createCertificateAuthority({ subject: SUBJECT });
  client = await root.issue({ subject: "CN=client" });
  rogue = await rogueRoot.issue({ subject: "CN=client" });
});
beforeEach(async () => {
  folder = await createWorkFolder();
});
afterEach(async () => {
  await edge?.[Symbol.asyncDispose]();
  edge = undefined;
  await folder[Symbol.asyncDispose]();
});

const trusting = (ca: CertificateAuthority) =>
  createBundle({
    acme: { domains: [HOST], caCertificates: { ca } },
    globex: { domains: ["b.test"], caCertificates: { other: rogueRoot } },
  });

async function judge(running: TestEdge, identity?: IssuedCertificate): Promise<string> {
  return (await askForAssertion(running, { ...(identity && { identity }) })).tlsClientAuth.certVerified;
}

/** As the good bundle has it: the client is verified, and nobody else. */
async function expectLastGoodBundle(running: TestEdge): Promise<void> {
  expect(await judge(running, client)).toBe("SUCCESS");
  await expectNobodyElse(running);
}

async function expectNobodyElse(running: TestEdge): Promise<void> {
  expect(await judge(running, rogue)).toMatch(/^FAILED:/);
  expect(await judge(running)).toBe("NONE");
}

describe("a bundle that is", () => {
  const write = async (text: string) => {
    await writeFile(folder.path("new"), text);
    await rename(folder.path("new"), folder.path("bundle.json"));
  };

  it.each(DAMAGED)("%s is not used: the last good one stays", async (_, damage) => {
    await write(JSON.stringify(trusting(root)));
    edge = await startTestEdge({ trustSource: createFileTrustSource(folder.path("bundle.json")) });
    await write(damage(trusting(rogueRoot)));
    await edge.waitForLog("trust_unchanged");
    await expectLastGoodBundle(edge);
    expect(edge.readiness().trust.state).toBe("stale");
  });

  it.each(DAMAGED)("%s is nothing to start with", async (_, damage) => {
    await write(damage(trusting(rogueRoot)));
    const trustSource = createFileTrustSource(folder.path("bundle.json"));
    await expect(startTestEdge({ trustSource })).rejects.toThrow(TrustSourceError);
  });

  it.each(DAMAGED)("%s, in the edge's own copy, is nothing to start with either", async (_, damage) => {
    const cachePath = folder.path("kept.json");
    await writeFile(cachePath, damage(trusting(rogueRoot)));
    const trustSource = createControlTrustSource({ url: "http://127.0.0.1:1", apiKey: "spk_edge", cachePath });
    await expect(startTestEdge({ trustSource })).rejects.toThrow(TrustSourceError);
  });

  it("without a CA certificate verifies nobody, and still asks for certificates", async () => {
    const bundle = createBundle({ acme: { domains: [HOST] } });
    await write(JSON.stringify(bundle));
    edge = await startTestEdge({ trustSource: createFileTrustSource(folder.path("bundle.json")) });
    expect(await judge(edge, client)).toMatch(/^FAILED:/);
    await expectNobodyElse(edge);
  });
});

describe("a control plane, or somebody between it and the edge,", () => {
  let control: ScriptedControlPlane;
  let proxy: ControlProxy;

  beforeEach(async () => {
    control = await startControlPlane(trusting(root));
    proxy = await startControlProxy(control.url);
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
  });

  const follow = () =>
    createControlTrustSource({ url: proxy.url, apiKey: "spk_edge", cachePath: folder.path("kept.json") });

  async function start(options = {}): Promise<TestEdge> {
    edge = await startTestEdge({ trustSource: follow(), ...options });
    await until(() => control.listeners() > 0);
    return edge;
  }

  /** The control plane's next bundle, which its edges hear of. */
  async function announce(bundle: TrustBundle): Promise<void> {
    control.bundle = bundle;
    await control.push({ version: bundle.version, accounts: ["acme"] });
  }

  const plain = (status: number, body: string | Buffer, headers = {}): ControlFault => ({
    kind: "answer",
    ...{ status, body, headers },
  });
  const asAnothers = (documents: Answer[]) => documents.map((document) => ({ ...document, account: "globex" }));

  const CONTRADICTION = /contradicts itself/;
  const NO_BUNDLE = /something else than a trust bundle/;
  const TOO_LONG = /more than \d+ bytes/;
  const NO_ANSWER = /does not answer/;
  const FAULTS: [title: string, fault: () => ControlFault, reason: RegExp][] = [
    ["answers 500", () => ANSWERS_500, /answered 500/],
    ["answers 500 with a bundle", () => plain(500, JSON.stringify(trusting(rogueRoot))), /answered 500/],
    ["refuses the edge's key", () => REFUSES_KEY, /refuses this edge's API key/],
    ["sends the edge elsewhere", () => plain(302, "", { location: control.url }), NO_ANSWER],
    ["answers nothing", () => plain(200, ""), NO_BUNDLE],
    ["answers with no content", () => plain(204, ""), NO_BUNDLE],
    ["answers garbage", () => GARBAGE, NO_BUNDLE],
    ["breaks off its answer", () => ({ kind: "truncated" }), /broke off its answer/],
    ["answers without end", () => ({ kind: "endless" }), TOO_LONG],
    [
      "answers with a little that unpacks to much",
      () => plain(200, gzipSync(Buffer.alloc(TOO_LARGE_BYTES, " ")), { "content-encoding": "gzip" }),
      TOO_LONG,
    ],
    ["leaves out the document of an account that it names", () => changeDocuments(() => []), CONTRADICTION],
    ["serves another account's document in its place", () => changeDocuments(asAnothers), CONTRADICTION],
    ["names accounts twice", () => changeIndex((accounts) => [...accounts, ...accounts]), CONTRADICTION],
    ["is cut off", () => ({ kind: "away" }), NO_ANSWER],
  ];

  it.each(FAULTS)("%s: the last good bundle stays", async (_, fault, reason) => {
    const running = await start();
    proxy.switch(fault());
    await announce(trusting(rogueRoot)).catch(() => undefined);
    await running.waitForLog("trust_unchanged");
    await expectLastGoodBundle(running);
    expect(running.readiness().trust).toMatchObject({ reason: expect.stringMatching(reason) });
    expect(proxy.longestAnswerBytes()).toBeLessThan(TOO_LARGE_BYTES * 1.5);
  });

  it.each(FAULTS)("%s when an edge starts: there is nothing to start with", async (_, fault) => {
    proxy.switch(fault());
    await expect(startTestEdge({ trustSource: follow() })).rejects.toThrow(TrustSourceError);
  });

  it("hangs: the last good bundle stays, and the truth is heard when it comes", async () => {
    const running = await start();
    const held = Promise.withResolvers<undefined>();
    control.intercept = () => held.promise;
    await announce(createBundle({ acme: { domains: [HOST] } }));
    await until(() => control.asked.some((path) => path.includes("account=acme")));
    await expectLastGoodBundle(running);
    held.resolve(undefined);
    await running.waitForLog("trust_changed");
    expect(await judge(running, client)).toMatch(/^FAILED:/);
  });

  it("stumbles once over a removal: it takes effect right after, not with the next poll", async () => {
    const running = await start();
    proxy.switch(ANSWERS_500);
    await announce(createBundle({ acme: { domains: [HOST] } }));
    await running.waitForLog("trust_unchanged");
    proxy.switch(undefined);
    await running.waitForLog("trust_changed");
    expect(await judge(running, client)).toMatch(/^FAILED:/);
  });

  it("deletes a CA while the bundle with it is in flight: the bundle that arrives late brings nobody back", async () => {
    const running = await start();
    const agent = createKeepAliveAgent();
    const held = Promise.withResolvers<unknown>();
    const withCa = { ...trusting(root), version: "with the CA" };
    control.intercept = (_path, names) => (control.asked.length === 3 && names.length > 0 ? held.promise : undefined);
    await announce(withCa);
    await until(() => control.asked.length === 3);
    await announce({ ...createBundle({ acme: { domains: [HOST] } }), version: "without it" });
    const documents = withCa.accounts.filter(({ account }) => account === "acme");
    held.resolve({ format: 1, version: withCa.version, accounts: documents.map(pickVersion), documents });
    await until(() => running.readiness().trustVersion === "without it");
    expect((await askForAssertion(running, { identity: client, agent })).tlsClientAuth.certVerified).toMatch(
      /^FAILED:/,
    );
    agent.destroy();
  });

  it("serves another account's private key with a certificate: it is presented to nobody", async () => {
    const { chainPem: cert, keyPem: key } = await root.issueServer();
    const origin = createServer({ cert, key, requestCert: true, ca: root.certificatePem });
    let connections = 0;
    origin.on("connection", () => {
      connections += 1;
    });
    const url = await listen(origin);
    control.bundle = withForeignKey(trusting(root));
    const running = await start({
      egress: { listen: { port: 0 }, secret: Buffer.alloc(32, 1), allowedNetworks: ["127.0.0.0/8"] },
    });
    const answer = await fetch(running.egress?.url ?? "", {
      headers: {
        "sallyport-egress-call": `${running.egress?.issueToken("acme/shop")} acme/shop gateway - ${url}`,
      },
    });
    expect([answer.ok, answer.headers.get("sallyport-egress-failure")]).toEqual([false, expect.any(String)]);
    expect(connections).toBe(0);
    await expectLastGoodBundle(running);
    origin.close();
  });
});

const pickVersion = ({ account, version }: TrustBundle["accounts"][number]) => ({ account, version });

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}

/** The client's certificate, with the key of another one. */
function withForeignKey(bundle: TrustBundle): TrustBundle {
  const presented = {
    ...{ id: "cert_1", version: "1", name: "gateway", project: "shop", isDisabled: false },
    ...{ environmentTypes: ["development" as const], certificate: client.certificatePem, privateKey: rogue.keyPem },
  };
  const originCa = { id: "oca_1", name: "ca", project: "shop", certificate: root.certificatePem };
  const [acme, ...others] = bundle.accounts as [TrustBundle["accounts"][number]];
  return {
    ...bundle,
    accounts: [{ ...acme, mtlsCertificates: [presented], originCaCertificates: [originCa] }, ...others],
  };
}
