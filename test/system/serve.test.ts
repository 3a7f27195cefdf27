/** `sallyport serve`: the same verdicts as `dev`, and nothing lost when the project is taken up again or it ends. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Curl, createCurl } from "./curl.ts";
import { createKeptAliveClient, type KeptAliveClient } from "./kept-alive.ts";
import { requestUntilRefused, startLoad } from "./load.ts";
import {
  copyExampleProject,
  createFolder,
  type DevStack,
  findDescendants,
  findProcess,
  isAlive,
  startStack,
  waitFor,
} from "./sallyport.ts";

const CONNECTIONS = 10;

const folder = createFolder();
let project: string;
let stack: DevStack;
let curl: Curl;

beforeAll(async () => {
  project = copyExampleProject(folder.path);
  stack = await startStack("serve", folder.path, ["--project-dir", project, "--metrics-port", "0"]);
  curl = createCurl(stack.ready.edge, file("edgeCa"));
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function file(name: string): string {
  return stack.ready.files[name] ?? "";
}

function createClient(): KeptAliveClient {
  const [ca, cert, key] = ["edgeCa", "clientCert", "clientKey"].map((name) => readFileSync(file(name), "utf8"));
  return createKeptAliveClient({ edge: stack.ready.edge, connections: CONNECTIONS, ca, cert, key });
}

function edit(from: string, to: string): void {
  const path = join(project, "modules", "hello.ts");
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

it("gives the verdicts of dev, and presents certificates to origins", async () => {
  const client = { cert: file("clientCert"), key: file("clientKey") };
  const rogue = { cert: file("rogueCert"), key: file("rogueKey") };
  expect(await curl("/v1/example", client)).toMatchObject({ status: 200 });
  expect((await curl("/v1/example", rogue)).json()).toMatchObject({ code: "client_certificate_rejected" });
  expect((await curl("/v1/example")).json()).toMatchObject({ code: "client_certificate_required" });
  const subject = "CN=example-gateway,O=Example,C=US";
  expect((await curl("/v1/alb/hello")).json()).toMatchObject({ clientCertificate: { subject } });
  expect((await curl("/v1/alb-function")).json()).toMatchObject({ clientCertificate: { subject } });
});

it("reaches the egress over a socket that nobody else can, and by no port", () => {
  const variables = readFileSync(join(stack.stateDir, "worker.env"), "utf8");
  expect(variables).toContain("SALLYPORT_EGRESS_TOKEN=");
  expect(variables).not.toContain("SALLYPORT_EGRESS_URL=");
  expect(existsSync(join(stack.stateDir, "egress-port"))).toBe(false);
});

it("tells Prometheus what it did, route by route", async () => {
  const { port } = /"operations":(?<port>\d+)/.exec(stack.running.output.stderr)?.groups ?? {};
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toMatch(/^sallyport_requests_total\{route="\/v1\/example",status="401",verdict="FAILED"\} 1$/m);
  expect(text).toMatch(
    /^sallyport_egress_requests_total\{origin="[^"]+",certificate="aws_alb_cert",result="200"\} 2$/m,
  );
  expect(text).toMatch(
    /^sallyport_certificate_expiry_seconds\{kind="mtls-certificate",account="local",name="aws_alb_cert"\} \d+$/m,
  );
});

describe("SIGHUP", () => {
  it("that comes before it serves does not end it, and is not forgotten", async () => {
    using own = createFolder();
    const parameters = ["--project-dir", copyExampleProject(own.path), "--metrics-port", "0"];
    let signalled: Promise<unknown> | undefined;
    await using started = await startStack("serve", own.path, parameters, {
      onSpawn({ child }) {
        // Made at the start, before the control plane is.
        signalled = waitFor(() => (existsSync(join(own.path, "state")) ? child.kill("SIGHUP") : undefined));
      },
    });
    await signalled;
    await waitFor(() => (started.running.output.stderr.includes("worker_replaced") ? true : undefined));
    expect(started.running.child.exitCode).toBeNull();
  });

  it("takes the project up again under load without one failed request", async () => {
    using client = createClient();
    const load = startLoad(client, CONNECTIONS);
    edit("Hello, ", "Welcome, ");
    stack.running.child.kill("SIGHUP");
    await waitFor(() => ([...load.bodies].some((body) => body.startsWith("Welcome, ")) ? true : undefined));
    await load.end();
    expect([...load.bodies].map((body) => body.split(",")[0]).sort()).toEqual(["Hello", "Welcome"]);
  });

  it("leaves the last good worker in place when the project does not build, and says so", async () => {
    edit("export default", "export defalt");
    stack.running.child.kill("SIGHUP");
    await waitFor(() => (stack.running.output.stderr.includes("worker_kept") ? true : undefined));
    expect((await curl("/v1/example", { cert: file("clientCert"), key: file("clientKey") })).body).toContain("Welcome");
    edit("export defalt", "export default");
  });
});

it("starts another worker when workerd was killed", async () => {
  const client = { cert: file("clientCert"), key: file("clientKey") };
  const runner = findProcess(stack.processes(), "miniflare-process.ts");
  process.kill(findProcess(findDescendants(runner), "workerd"), "SIGKILL");
  await waitFor(async () => ((await curl("/v1/example", client)).status === 503 ? true : undefined));
  await waitFor(async () => ((await curl("/v1/example", client)).status === 200 ? true : undefined));
  await waitFor(() => (stack.running.output.stderr.includes('"child_ready"') ? true : undefined));
});

it("SIGTERM under load answers every request that it took, and leaves no process", async () => {
  using client = createClient();
  const processes = stack.processes();
  const refused = requestUntilRefused(client, CONNECTIONS);
  stack.running.child.kill("SIGTERM");
  expect(await stack.running.exited).toBe(0);
  await refused;
  expect(processes.length).toBeGreaterThan(1);
  await waitFor(() => (processes.some(isAlive) ? undefined : true));
});
