/** Control plane and edge as processes of their own: `sallyport control`, and `sallyport edge --control-url`. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { type ControlApi, createControlApi } from "./control-api.ts";
import { type DnsServer, startDnsServer } from "./dns-server.ts";
import { createKeptAliveClient } from "./kept-alive.ts";
import { createFolder, findDescendants, findProcess, type Running, startSallyport, waitFor } from "./sallyport.ts";

const folder = createFolder();
let upstream: Server;
let dns: DnsServer;
let control: Running;
let controlUrl: string;
let admin: ControlApi;
let authority: CertificateAuthority;
let edgeKey: string;

beforeAll(async () => {
  // Answers with the verdict that the edge stated.
  upstream = createServer((request, response) => {
    const claims = decodeJwt(String(request.headers[EDGE_ASSERTION_HEADER])) as {
      tlsClientAuth: { certVerified: string };
    };
    response.end(claims.tlsClientAuth.certVerified);
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  dns = await startDnsServer();
  await startControl();
  admin = createControlApi(controlUrl, join(folder.path, "control", "admin-key"));
  await admin("POST", "/v1/accounts", { name: "acme" });
  await admin("POST", "/v1/accounts/acme/projects", { name: "shop" });
  authority = await createCertificateAuthority({ subject: "CN=acme-ca" });
  const body = { name: "acme_ca", certificate: authority.certificatePem };
  expect((await admin("POST", "/v1/accounts/acme/ca-certificates", body)).status).toBe(201);
  edgeKey = (await admin<{ key: string }>("POST", "/v1/api-keys", { name: "edge", scope: "edge" })).body.key;
});

afterAll(async () => {
  control?.child.kill("SIGTERM");
  await control?.exited;
  await dns?.[Symbol.asyncDispose]();
  upstream?.close();
  folder[Symbol.dispose]();
});

async function startControl(port = "0"): Promise<void> {
  const stateDir = join(folder.path, "control");
  control = startSallyport(["control", "--control-port", port, "--state-dir", stateDir, "--dns-server", dns.address]);
  controlUrl = await waitFor(
    () => /control plane on (http:\S+),/.exec(control.output.stdout)?.[1],
    () => control.output.stderr,
  );
}

interface RunningEdge extends AsyncDisposable {
  readonly running: Running;
  /** The verdict on a client of that authority, for that host; or the status of an answer that is the edge's own */
  ask(hostname: string, by?: CertificateAuthority): Promise<string>;
  readiness(): Promise<{ status: number; body: { status: string; trust: { state: string } } }>;
}

async function startEdge(key = edgeKey): Promise<RunningEdge> {
  const { port } = upstream.address() as AddressInfo;
  const running = startSallyport([
    ...["edge", "--upstream", `http://127.0.0.1:${port}`, "--control-url", controlUrl, "--api-key", key],
    ...["--port", "0", "--metrics-port", "0", "--state-dir", join(folder.path, "edge")],
  ]);
  const ports = await waitFor(
    () => /"edge":(\d+),"operations":(\d+)/.exec(running.output.stderr) ?? undefined,
    () => running.output.stderr,
  );
  return {
    running,
    async ask(hostname, by = authority) {
      const leaf = await by.issue({ subject: "CN=client" });
      const tls = { ca: undefined, cert: leaf.chainPem, key: leaf.keyPem };
      using client = createKeptAliveClient({
        edge: `https://localhost:${ports[1]}`,
        hostname,
        isTrusting: true,
        ...tls,
      });
      const answer = await client.get("/");
      return answer.status === 200 ? answer.body : String(answer.status);
    },
    async readiness() {
      const response = await fetch(`http://127.0.0.1:${ports[2]}/readyz`);
      return { status: response.status, body: (await response.json()) as never };
    },
    async [Symbol.asyncDispose]() {
      running.child.kill("SIGTERM");
      await running.exited;
    },
  };
}

it("an edge takes accounts, domains and CA certificates from a control plane that is not its child", async () => {
  await using edge = await startEdge();
  expect(await edge.ask("shop.acme.localhost")).toBe("SUCCESS");
  expect(await edge.ask("localhost")).toBe("421");
  expect(await edge.readiness()).toMatchObject({ status: 200, body: { status: "ready" } });
});

it("a custom domain is served once a TXT record proved whose it is, and no earlier", async () => {
  await using edge = await startEdge();
  const path = "/v1/accounts/acme/custom-domains";
  const created = await admin<{ verification: { name: string; value: string } }>("POST", path, {
    hostname: "api.acme.test",
    project: "shop",
  });
  expect(created).toMatchObject({ status: 201, body: { status: "pending" } });
  expect(await edge.ask("api.acme.test")).toBe("421");
  expect((await admin("POST", `${path}/api.acme.test/verify`)).status).toBe(409);
  dns.records.set(created.body.verification.name, "sallyport-verify=somebody-elses");
  expect((await admin("POST", `${path}/api.acme.test/verify`)).status).toBe(409);
  dns.records.set(created.body.verification.name, created.body.verification.value);
  expect(await admin("POST", `${path}/api.acme.test/verify`)).toMatchObject({
    status: 200,
    body: { status: "active" },
  });
  await waitFor(async () => ((await edge.ask("api.acme.test")) === "SUCCESS" ? true : undefined));
});

it("the control plane comes back when its workerd was killed, with all that it knew", async () => {
  process.kill(findProcess(findDescendants(control.child.pid as number), "workerd"), "SIGKILL");
  await waitFor(() => (control.output.stderr.includes('"child_ready"') ? true : undefined));
  const { body } = await admin<{ data: { name: string }[] }>("GET", "/v1/accounts");
  expect(body.data.map(({ name }) => name)).toContain("acme");
});

it("an edge that starts while the control plane is away serves from its last good bundle, and catches up", async () => {
  const port = new URL(controlUrl).port;
  control.child.kill("SIGTERM");
  await control.exited;
  await using edge = await startEdge();
  expect(await edge.ask("shop.acme.localhost")).toBe("SUCCESS");
  expect(await edge.readiness()).toMatchObject({
    status: 200,
    body: { status: "degraded", trust: { state: "stale" } },
  });
  expect(edge.running.output.stderr).toContain("does not answer");
  await startControl(port);
  const added = await createCertificateAuthority({ subject: "CN=added" });
  const body = { name: "added", certificate: added.certificatePem };
  await admin("POST", "/v1/accounts/acme/ca-certificates", body);
  await waitFor(async () => ((await edge.ask("shop.acme.localhost", added)) === "SUCCESS" ? true : undefined));
  await waitFor(async () => ((await edge.readiness()).body.status === "ready" ? true : undefined));
});

it("an edge with a wrong key serves from its last good bundle, and is not ready", async () => {
  await using edge = await startEdge(`spk_0000_${"0".repeat(64)}`);
  expect(await edge.ask("shop.acme.localhost")).toBe("SUCCESS");
  expect(await edge.readiness()).toMatchObject({
    status: 503,
    body: { status: "not ready", trust: { state: "refused" } },
  });
});

it("an edge that never had a bundle does not start without one", async () => {
  using empty = createFolder();
  const running = startSallyport([
    ...["edge", "--upstream", "http://127.0.0.1:9", "--control-url", "http://127.0.0.1:9", "--api-key", edgeKey],
    ...["--port", "0", "--state-dir", empty.path],
  ]);
  expect(await running.exited).toBe(1);
  expect(running.output.stderr).toMatch(
    /sallyport: error: the control plane "http:\/\/127\.0\.0\.1:9" does not answer/,
  );
});
