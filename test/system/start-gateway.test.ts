/** `startGateway()` of the test kit: the whole stack, as an end-to-end test of somebody's project has it. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Alb, startAlb } from "../../fixtures/alb/alb.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type Gateway,
  startGateway,
} from "../../testing/node/index.ts";
import { createOutboundProject } from "./outbound-project.ts";
import { copyExampleProject, createFolder, findDescendants, isAlive, startCommand, waitFor } from "./sallyport.ts";

const POLL = { timeout: 30_000 };
const folder = createFolder();
let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ project: copyExampleProject(folder.path) });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

async function ask(path: string, certificate?: Parameters<Gateway["fetch"]>[1]) {
  const response = await gateway.fetch(path, certificate);
  return { status: response.status, text: await response.text() };
}

describe("a gateway", () => {
  it("knows the demo's clients", async () => {
    const { client, chain, rogue } = gateway.clients;
    expect(await ask("/v1/example")).toMatchObject({ status: 401 });
    expect((await ask("/v1/example", { certificate: client })).text).toBe("Hello, CN=demo-client,O=Example,C=US");
    expect((await ask("/v1/chain", { certificate: chain })).text).toBe("Hello, CN=demo-chain-client,O=Example,C=US");
    expect(await ask("/v1/example", { certificate: rogue })).toMatchObject({ status: 401 });
  });

  it("knows clients that the test issues a certificate to, good ones and bad ones", async () => {
    const billing = await gateway.clientCa.issue({ subject: "CN=billing,O=Example,C=US" });
    const late = await gateway.clientCa.issue({ subject: "CN=late", notAfter: new Date(Date.now() - 60_000) });
    expect((await ask("/v1/example", { certificate: billing })).text).toBe("Hello, CN=billing,O=Example,C=US");
    const refused = await ask("/v1/example", { certificate: late });
    expect(JSON.parse(refused.text)).toMatchObject({ status: 401, reason: "certificate has expired" });
  });

  it("takes another CA, in a moment", async () => {
    const ca = await createCertificateAuthority({ subject: "CN=acme-ca" });
    const certificate = await ca.issue({ subject: "CN=acme" });
    const isVerified = async () => (await ask("/v1/optional", { certificate })).text.includes('"verified":true');
    expect(await isVerified()).toBe(false);
    expect(await gateway.upload.caCertificate("acme_ca", ca.certificatePem)).toMatch(/^mtlsca_/);
    await expect.poll(isVerified, POLL).toBe(true);
  });

  it("has a control plane that says what it refuses", async () => {
    const leaf = await gateway.clientCa.issue({ subject: "CN=leaf" });
    await expect(gateway.upload.caCertificate("leaf", leaf.certificatePem)).rejects.toThrow(
      /control plane answered 4\d\d: .*CA/,
    );
  });

  it("sends what a request has: method, headers and body", async () => {
    const sent = { method: "POST", headers: { "x-tenant": "7" }, body: "an order" };
    expect(JSON.parse((await ask("/v1/inspect", sent)).text)).toMatchObject({
      method: "POST",
      body: "an order",
      headers: { "x-tenant": "7" },
      url: `${gateway.url}/v1/inspect`,
    });
  });

  it("says what it logged", () => {
    expect(gateway.output()).toContain('"event":"listening"');
  });
});

/** Where it keeps what it has, in `folder` */
const listStates = (folder: string) => readdirSync(folder).filter((name) => name.startsWith("sallyport-gateway-"));

/** An origin that wants a certificate of `ca`, and has one of it itself. */
async function startOrigin(ca: CertificateAuthority): Promise<Alb> {
  const { certificatePem: certificate, keyPem: key } = await ca.issueServer();
  const origin = await startAlb({ port: 0, mode: "verify", trustStore: ca.certificatePem, certificate, key });
  onTestFinished(() => origin.close());
  return origin;
}

describe("a gateway as it would be deployed", () => {
  it("presents the certificate that the test uploads, and leaves no process and no file", async () => {
    using own = createFolder();
    vi.stubEnv("TMPDIR", own.path);
    onTestFinished(() => void vi.unstubAllEnvs());
    const before = new Set(findDescendants(process.pid));
    const ca = await createCertificateAuthority({ subject: "CN=origin-ca" });
    const project = createOutboundProject(own.path, (await startOrigin(ca)).url, ["my_cert"]);
    let started: number[];
    {
      const flags = ["--no-origin", "--egress-allow", "127.0.0.0/8"];
      await using served = await startGateway({ project, command: "serve", flags });
      const askOrigin = async () => (await served.fetch("/forward/my_cert/x")).text();
      expect(await askOrigin()).toContain("mtls_certificate_not_found");
      await served.upload.mtlsCertificate("my_cert", await ca.issue({ subject: "CN=gateway" }));
      await expect.poll(askOrigin, POLL).toContain("origin_certificate_untrusted");
      await served.upload.originCa("my_origin_ca", ca.certificatePem);
      await expect.poll(askOrigin, POLL).toContain('"subject":"CN=gateway"');
      expect(listStates(own.path)).toHaveLength(1);
      started = findDescendants(process.pid).filter((pid) => !before.has(pid));
      expect(started.length).toBeGreaterThan(2);
    }
    expect(listStates(own.path)).toEqual([]);
    await waitFor(() => (started.some(isAlive) ? undefined : true));
  });
});

describe("the end", () => {
  it("of the test's process is the end of the gateway", async () => {
    using own = createFolder();
    const script = fileURLToPath(new URL("./gateway-process.ts", import.meta.url));
    const { child, output, exited } = startCommand(process.execPath, [script, copyExampleProject(own.path)], {
      environment: { TMPDIR: own.path },
    });
    await waitFor(
      () => (output.stdout.startsWith("https://") ? true : undefined),
      () => output.stderr,
      90_000,
    );
    const processes = findDescendants(child.pid as number);
    expect(processes.length).toBeGreaterThan(2);
    child.kill("SIGKILL");
    await exited;
    await waitFor(() => (processes.some(isAlive) ? undefined : true));
  });

  it("before the start: a project that does not build is told with its problems", async () => {
    using own = createFolder();
    await expect(startGateway({ project: join(own.path, "nothing") })).rejects.toThrow(
      'ended before it was ready: sallyport: error: config: "*.oas.json" is missing',
    );
    expect(existsSync(join(own.path, "nothing"))).toBe(false);
  });
});
