/** Trust that changes while traffic flows: two accounts on one edge, a control plane that is killed, keys that are revoked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type ControlApi, createControlApi } from "./control-api.ts";
import { createKeptAliveClient, type KeptAliveClient } from "./kept-alive.ts";
import { createFolder, type DevStack, findProcess, startDev, waitFor } from "./sallyport.ts";

const ISSUER = "CN=example-ca,O=Example,C=US";
const OTHER_HOST = "example.other.localhost";
const OTHER_CAS = "/v1/accounts/other/ca-certificates";

const folder = createFolder();
let dev: DevStack;
let admin: ControlApi;

beforeAll(async () => {
  dev = await startDev(folder.path, ["--metrics-port", "0"]);
  admin = createControlApi(dev.ready.control, join(dev.stateDir, "admin-key"));
  await admin("POST", "/v1/accounts", { name: "other" });
  await admin("POST", "/v1/accounts/other/projects", { name: "example" });
});

afterAll(async () => {
  await dev?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function readPem(name: string): string {
  return readFileSync(dev.ready.files[name] ?? "", "utf8");
}

async function connect(authority: CertificateAuthority, hostname: string, connections = 1): Promise<KeptAliveClient> {
  const leaf = await authority.issue({ subject: "CN=partner,O=Example,C=US" });
  return createKeptAliveClient({
    edge: dev.ready.edge,
    ca: readPem("edgeCa"),
    hostname,
    connections,
    cert: leaf.chainPem,
    key: leaf.keyPem,
  });
}

async function upload(name: string, authority: CertificateAuthority, path = OTHER_CAS): Promise<string> {
  const { status, body } = await admin<{ id: string }>("POST", path, { name, certificate: authority.certificatePem });
  expect(status).toBe(201);
  return body.id;
}

function becomes(client: KeptAliveClient, status: number) {
  return waitFor(async () => ((await client.get("/v1/example")).status === status ? true : undefined));
}

function demoClient(connections = 1): KeptAliveClient {
  const [ca, cert, key] = [readPem("edgeCa"), readPem("clientCert"), readPem("clientKey")];
  return createKeptAliveClient({ edge: dev.ready.edge, ca, cert, key, connections });
}

describe("two accounts on one edge", () => {
  it("a CA counts on its own account's domains as soon as it is uploaded, and on no other's", async () => {
    const authority = await createCertificateAuthority({ subject: ISSUER });
    using onOwn = await connect(authority, OTHER_HOST);
    using onForeign = await connect(authority, "localhost");
    await becomes(onOwn, 401);
    const id = await upload("own", authority);
    await becomes(onOwn, 200);
    expect((await onForeign.get("/v1/example")).status).toBe(401);
    await admin("DELETE", `${OTHER_CAS}/${id}`);
  });

  it("a deleted CA ends the next request of an open connection, and the other account goes on undisturbed", async () => {
    const authority = await createCertificateAuthority({ subject: ISSUER });
    using client = await connect(authority, OTHER_HOST);
    using bystander = demoClient();
    const id = await upload("to_be_deleted", authority);
    await becomes(client, 200);
    expect(await client.get("/v1/example")).toMatchObject({ status: 200, reused: true });
    expect(await bystander.get("/v1/example")).toMatchObject({ status: 200 });
    const changes = countTrustChanges();
    expect((await admin("DELETE", `${OTHER_CAS}/${id}`)).status).toBe(204);
    await waitFor(() => (countTrustChanges() > changes ? true : undefined));
    const refused = await client.get("/v1/example");
    expect(refused).toMatchObject({ status: 401, reused: true });
    expect(refused.body).toContain("CA certificate was removed");
    expect((await client.get("/v1/example")).reused).toBe(false);
    expect(await bystander.get("/v1/example")).toMatchObject({ status: 200, reused: true });
  });

  it.each([
    ["with key identifiers", true],
    ["without key identifiers, as `openssl x509 -req` makes leaves", false],
  ])(
    "a CA is rotated under load without one failed request: same DN, other key, %s",
    async (_title, hasIdentifiers) => {
      const rootOptions = hasIdentifiers ? {} : { subjectKeyIdentifier: false as const };
      const leafOptions = hasIdentifiers ? {} : { authorityKeyIdentifier: false as const };
      const before = await createCertificateAuthority({ subject: ISSUER, ...rootOptions });
      const after = await createCertificateAuthority({ subject: ISSUER, ...rootOptions });
      const clientOf = async (authority: CertificateAuthority) => {
        const leaf = await authority.issue({ subject: "CN=partner,O=Example,C=US", ...leafOptions });
        const tls = { ca: readPem("edgeCa"), cert: leaf.chainPem, key: leaf.keyPem };
        return createKeptAliveClient({ edge: dev.ready.edge, hostname: OTHER_HOST, connections: 5, ...tls });
      };
      const oldId = await upload("rotated_before", before);
      using oldClient = await clientOf(before);
      await becomes(oldClient, 200);
      const load = startLoad(oldClient);
      const newId = await upload("rotated_after", after);
      using newClient = await clientOf(after);
      await becomes(newClient, 200);
      // Fresh handshakes of both, while both roots are there
      for (const authority of [before, after, before, after]) {
        using fresh = await clientOf(authority);
        expect((await fresh.get("/v1/example")).status).toBe(200);
      }
      expect(await load.stop()).toEqual([]);
      const newLoad = startLoad(newClient);
      await admin("DELETE", `${OTHER_CAS}/${oldId}`);
      await becomes(oldClient, 401);
      expect(await newLoad.stop()).toEqual([]);
      await admin("DELETE", `${OTHER_CAS}/${newId}`);
      await becomes(newClient, 401);
    },
  );
});

describe("a control plane that fails", () => {
  it("is missed by nobody while it is away, and edges catch up when it is back", async () => {
    const authority = await createCertificateAuthority({ subject: ISSUER });
    using bystander = demoClient(4);
    await becomes(bystander, 200);
    const load = startLoad(bystander);
    const restarted = killControlPlane();
    // Sent while it dies, a create may be stored and its answer lost: the repeated one then says that the name is taken.
    const created = await waitFor(async () => {
      const body = { name: "after_restart", certificate: authority.certificatePem };
      const answer = await admin("POST", OTHER_CAS, body).catch(() => undefined);
      return answer?.status === 201 || answer?.status === 409 ? answer.status : undefined;
    });
    expect([201, 409]).toContain(created);
    using client = await connect(authority, OTHER_HOST);
    await becomes(client, 200);
    await restarted();
    expect(await load.stop()).toEqual([]);
  });

  it("killed in the middle of creates keeps every one that it answered, and no half one", async () => {
    const answered: string[] = [];
    const certificates = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const root = await createCertificateAuthority({ subject: `CN=many-${index},O=Example,C=US` });
        return [`many_${index}`, root.certificatePem] as const;
      }),
    );
    const creates = certificates.map(async ([name, certificate], index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 10));
      const answer = await admin("POST", OTHER_CAS, { name, certificate }).catch(() => undefined);
      if (answer?.status === 201) answered.push(name);
    });
    await waitFor(() => (answered.length > 10 ? true : undefined));
    const restarted = killControlPlane();
    await Promise.all(creates);
    await restarted();
    const list = await waitFor(async () => {
      const answer = await admin<{ data: { name: string; id: string }[] }>("GET", `${OTHER_CAS}?limit=1000`).catch(
        () => undefined,
      );
      return answer?.status === 200 ? answer.body.data : undefined;
    });
    const stored = new Set(list.map(({ name }) => name));
    expect(answered.filter((name) => !stored.has(name))).toEqual([]);
    const log = await admin<{ data: { action: string; target: string }[] }>(
      "GET",
      "/v1/accounts/other/audit-log?limit=1000",
    );
    const audited = log.body.data.filter(({ action }) => action.startsWith("ca-certificate.create"));
    for (const { name } of list) expect(JSON.stringify(audited)).toContain(name);
    await Promise.all(list.map(({ id }) => admin("DELETE", `${OTHER_CAS}/${id}`)));
  });

  it("that revoked the edge's key is obeyed no more, said loudly, and the last good bundle stays", async () => {
    const { body } = await admin<{ data: { id: string; scope: string }[] }>("GET", "/v1/api-keys");
    const edgeKey = body.data.find(({ scope }) => scope === "edge");
    expect((await admin("DELETE", `/v1/api-keys/${edgeKey?.id}`)).status).toBe(204);
    await waitFor(() => (dev.running.output.stderr.includes("refuses this edge's API key") ? true : undefined));
    using client = demoClient();
    expect((await client.get("/v1/example")).status).toBe(200);
    const port = /"operations":(\d+)/.exec(dev.running.output.stderr)?.[1];
    const readiness = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toMatchObject({ status: "not ready", trust: { state: "refused" } });
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });
});

/** @returns a function that waits for the next one. What the killed one had started may answer for another moment. */
function killControlPlane(): () => Promise<unknown> {
  const countReturns = () => dev.running.output.stderr.split("the control plane is back").length;
  const before = countReturns();
  process.kill(findProcess(dev.processes(), "control-process"), "SIGKILL");
  return () => waitFor(() => (countReturns() > before ? true : undefined));
}

function countTrustChanges(): number {
  return dev.running.output.stderr.split('"trust_changed"').length - 1;
}

interface Load {
  /** Every answer that was not 200 */
  stop(): Promise<string[]>;
}

function startLoad(client: KeptAliveClient, workers = 5): Load {
  const failures: string[] = [];
  let isStopped = false;
  async function work(): Promise<void> {
    while (!isStopped) {
      const answer = await client.get("/v1/example").catch((error: Error) => ({ status: 0, body: error.message }));
      if (answer.status !== 200) failures.push(`${answer.status} ${answer.body.slice(0, 300)}`);
    }
  }
  const running = Array.from({ length: workers }, work);
  return {
    async stop() {
      isStopped = true;
      await Promise.all(running);
      return failures;
    },
  };
}
