/** `sallyport serve --processes`: several edges on one port that answer as one. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createControlApi } from "../system/control-api.ts";
import { createKeptAliveClient, type KeptAliveClient } from "../system/kept-alive.ts";
import { requestUntilRefused, startLoad } from "../system/load.ts";
import {
  copyExampleProject,
  createFolder,
  type DevStack,
  findDescendants,
  isAlive,
  runSallyport,
  startSallyport,
  startStack,
  waitFor,
} from "../system/sallyport.ts";

const PROCESSES = 2;
/** So many that each process has some */
const CONNECTIONS = 16;

const folder = createFolder();
let project: string;
let stack: DevStack;

beforeAll(async () => {
  project = copyExampleProject(folder.path);
  const parameters = ["--processes", String(PROCESSES), "--metrics-port", "0", "--project-dir", project];
  stack = await startStack("serve", folder.path, parameters);
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function createClient(): KeptAliveClient {
  const [ca, cert, key] = ["edgeCa", "clientCert", "clientKey"].map((name) =>
    readFileSync(stack.ready.files[name] ?? "", "utf8"),
  );
  return createKeptAliveClient({ edge: stack.ready.edge, connections: CONNECTIONS, ca, cert, key });
}

function findEdgeProcesses(): number[] {
  return stack.processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("edge-process.ts");
    } catch {
      return false;
    }
  });
}

function operations(path: string): Promise<Response> {
  const { port } = /"operations":(?<port>\d+)/.exec(stack.running.output.stderr)?.groups ?? {};
  return fetch(`http://127.0.0.1:${port}${path}`);
}

function askAll(client: KeptAliveClient) {
  return Promise.all(Array.from({ length: CONNECTIONS }, () => client.get("/v1/example")));
}

it("adds up the numbers of all of them, and is as ready as the worst", async () => {
  expect(findEdgeProcesses()).toHaveLength(PROCESSES);
  using client = createClient();
  await askAll(client);
  const text = await (await operations("/metrics")).text();
  const requests = /^sallyport_requests_total\{route="\/v1\/example",status="200",verdict="SUCCESS"\} (\d+)$/m;
  expect(Number(requests.exec(text)?.[1])).toBe(CONNECTIONS);
  expect(text).toMatch(/^sallyport_trust_current 1$/m);
  expect(await (await operations("/readyz")).json()).toMatchObject({ status: "ready", trust: { state: "current" } });
});

it("has every process refuse a client on its open connection once the CA certificate is gone", async () => {
  using client = createClient();
  expect((await askAll(client)).map(({ status }) => status)).toEqual(Array(CONNECTIONS).fill(200));
  const api = createControlApi(stack.ready.control, stack.ready.files.apiKey ?? "");
  const path = "/v1/accounts/local/ca-certificates";
  const { body } = await api<{ data: { id: string; name: string }[] }>("GET", path);
  const [root] = body.data;
  expect((await api("DELETE", `${path}/${root?.id}`)).status).toBe(204);
  const refused = await waitFor(async () => {
    const answers = await askAll(client);
    return answers.every(({ status }) => status === 401) ? answers : undefined;
  });
  expect(refused.every(({ body: text }) => text.includes("client_certificate_rejected"))).toBe(true);
  const certificate = readFileSync(stack.ready.files.clientCa ?? "", "utf8");
  expect((await api("POST", path, { name: root?.name, certificate })).status).toBe(201);
  await waitFor(async () => {
    using again = createClient();
    return (await askAll(again)).every(({ status }) => status === 200) ? true : undefined;
  });
});

it("takes the project up again under load without one failed request, in every process", async () => {
  using client = createClient();
  const load = startLoad(client, CONNECTIONS);
  const path = join(project, "modules", "hello.ts");
  writeFileSync(path, readFileSync(path, "utf8").replace("Hello, ", "Welcome, "));
  stack.running.child.kill("SIGHUP");
  await waitFor(() => (stack.running.output.stderr.includes("worker_replaced") ? true : undefined));
  await load.end();
  const answers = await askAll(client);
  expect(answers.every(({ body }) => body.startsWith("Welcome, "))).toBe(true);
});

it("starts another process for one that died, and serves meanwhile, on the new worker", async () => {
  const [victim = 0, ...others] = findEdgeProcesses();
  process.kill(victim, "SIGKILL");
  await waitFor(() => (isAlive(victim) ? undefined : true));
  using client = createClient();
  expect((await askAll(client)).map(({ status }) => status)).toEqual(Array(CONNECTIONS).fill(200));
  await waitFor(() => (findEdgeProcesses().length === PROCESSES ? true : undefined));
  expect(findEdgeProcesses()).toEqual(expect.arrayContaining(others));
  expect(stack.running.output.stderr).toContain("edge_process_ended");
  await waitFor(async () => ((await operations("/readyz")).status === 200 ? true : undefined));
  using later = createClient();
  expect((await askAll(later)).every(({ body }) => body.startsWith("Welcome, "))).toBe(true);
});

it("SIGTERM under load answers every request that was taken, and leaves no process", async () => {
  using client = createClient();
  const processes = stack.processes();
  const refused = requestUntilRefused(client, CONNECTIONS);
  // To each, as systemd and a terminal do.
  for (const pid of findEdgeProcesses()) process.kill(pid, "SIGTERM");
  expect((await operations("/readyz")).status).toBe(200);
  stack.running.child.kill("SIGTERM");
  expect(await stack.running.exited).toBe(0);
  await refused;
  // The one that was killed above
  expect(stack.running.output.stderr.match(/edge_process_ended/g)).toHaveLength(1);
  expect(processes.length).toBeGreaterThan(PROCESSES);
  await waitFor(() => (processes.some(isAlive) ? undefined : true));
});

describe("edge --processes", () => {
  const edge = (...parameters: string[]) => {
    const common = ["edge", "--upstream", "http://127.0.0.1:9", "--port", "0", "--processes", "2"];
    return runSallyport([...common, "--state-dir", join(folder.path, "edge"), ...parameters]);
  };

  it("says what is wrong with a trust bundle, and leaves no process", async () => {
    const bundle = join(folder.path, "bundle.json");
    writeFileSync(bundle, '{"format":1}');
    const { code, stderr } = await edge("--trust-bundle", bundle);
    expect(code).toBe(1);
    expect(stderr).toContain("without trust nobody could be verified");
  });

  it("ends with the process that supervises it, however that came about", async () => {
    const parameters = ["edge", "--upstream", "http://127.0.0.1:9", "--port", "0", "--processes", "2"];
    const running = startSallyport([...parameters, "--state-dir", join(folder.path, "edge")]);
    await waitFor(() => (running.output.stderr.includes('"listening"') ? true : undefined));
    const processes = findDescendants(running.child.pid as number);
    running.child.kill("SIGKILL");
    await waitFor(() => (processes.some(isAlive) ? undefined : true));
    expect(processes).toHaveLength(2);
  });

  it("says that the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await edge("--port", String(port));
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`${port}`);
    expect(stderr).toContain("--port");
  });

  it.each(["0", "1.5", "129"])("refuses %s of them", async (count) => {
    const { code, stderr } = await edge("--processes", count);
    expect(code).toBe(2);
    expect(stderr).toContain("1 to 128");
  });
});
