/** Starting, refusing to start, and ending without leaving anything behind. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { findFreePort } from "../../cli/stack/ports.ts";
import { createCurl } from "./curl.ts";
import {
  copyExampleProject,
  createFolder,
  isAlive,
  REPOSITORY,
  runCommand,
  runSallyport,
  startDev,
  startSallyport,
  startStack,
  waitFor,
} from "./sallyport.ts";

/** A failed start: exit 1, one error line with a hint, no stack trace. */
async function expectRefusal(parameters: string[]): Promise<string> {
  const running = startSallyport(["dev", "--control-port", "0", ...parameters]);
  expect(await running.exited).toBe(1);
  const { stderr, stdout } = running.output;
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^sallyport: error: /m);
  expect(stderr).toMatch(/^sallyport: hint: /m);
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
}

it("`npm start -- --once` shows every answer and ends with 0", async () => {
  using folder = createFolder();
  const parameters = ["--once", "--port", "0", "--control-port", "0", "--state-dir", join(folder.path, "state")];
  const { code, stdout } = await runCommand("npm", ["start", "--", ...parameters], { cwd: REPOSITORY });
  expect(stdout.match(/^✓ (?:401|200) /gm)).toHaveLength(6);
  expect(stdout).not.toMatch(/^✗/m);
  expect(code).toBe(0);
});

it("two stacks run side by side, and SIGTERM and SIGINT end each with every process that it started", async () => {
  using folder = createFolder();
  const [first, second] = await Promise.all([
    startDev(join(folder.path, "first")),
    startDev(join(folder.path, "second")),
  ]);
  for (const { ready } of [first, second]) {
    const { edgeCa = "", clientCert = "", clientKey = "" } = ready.files;
    const answer = await createCurl(ready.edge, edgeCa)("/v1/example", { cert: clientCert, key: clientKey });
    expect(answer.status).toBe(200);
  }
  const processes = [...first.processes(), ...second.processes()];
  expect(processes.length).toBeGreaterThan(4);
  first.running.child.kill("SIGTERM");
  second.running.child.kill("SIGINT");
  expect(await Promise.all([first.running.exited, second.running.exited])).toEqual([0, 0]);
  await waitFor(() => (processes.some(isAlive) ? undefined : true));
  expect([first, second].map(({ stateDir }) => existsSync(join(stateDir, "ready.json")))).toEqual([false, false]);
});

it("one Ctrl-C that comes twice, as npm passes it on, ends in order and leaves no socket", async () => {
  using folder = createFolder();
  const stack = await startStack("serve", folder.path, [], { environment: { TMPDIR: folder.path } });
  const sockets = () => readdirSync(folder.path).filter((name) => name.startsWith("sallyport-"));
  expect(sockets()).toHaveLength(2);
  stack.running.child.kill("SIGINT");
  // Two at once would be one: the second comes when the first was seen.
  while (existsSync(join(stack.stateDir, "ready.json"))) await setImmediate();
  expect(stack.running.child.kill("SIGINT")).toBe(true);
  expect(await stack.running.exited).toBe(0);
  expect(stack.running.output.stderr).toContain('"event":"ended"');
  expect(sockets()).toEqual([]);
});

it("a stack that is killed outright leaves no worker behind, and the next one starts in the same directory", async () => {
  using folder = createFolder();
  const killed = await startDev(folder.path);
  const processes = killed.processes();
  killed.running.child.kill("SIGKILL");
  await killed.running.exited;
  await waitFor(() => (processes.some(isAlive) ? undefined : true));
  await using next = await startDev(folder.path);
  expect(next.ready.pid).not.toBe(killed.ready.pid);
});

it("a second stack in the same state directory is refused, and the first goes on", async () => {
  using folder = createFolder();
  await using dev = await startDev(folder.path);
  const stderr = await expectRefusal(["--port", "0", "--state-dir", dev.stateDir]);
  expect(stderr).toContain("--state-dir");
  expect(existsSync(join(dev.stateDir, "ready.json"))).toBe(true);
});

it("a port in use is refused with what to do", async () => {
  using folder = createFolder();
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
  const { port } = blocker.address() as { port: number };
  const stderr = await expectRefusal(["--port", String(port), "--state-dir", join(folder.path, "state")]);
  expect(stderr).toContain(`"127.0.0.1:${port}" is in use`);
  blocker.close();
});

it("a port of the egress that another took after it was found free is refused with its own flag", async () => {
  using folder = createFolder();
  const port = String(await findFreePort());
  // Each is free when it is looked at; one of the two listeners is late.
  const stderr = await expectRefusal([
    "--egress-port",
    port,
    "--port",
    port,
    "--state-dir",
    join(folder.path, "state"),
  ]);
  expect(stderr).toContain(`"127.0.0.1:${port}" is in use`);
  expect(stderr).toContain("--egress-port");
});

it("a temporary folder that is too deep for sockets is refused with what to do", async () => {
  using folder = createFolder();
  const deep = join(folder.path, "x".repeat(100));
  mkdirSync(deep);
  const parameters = ["--port", "0", "--control-port", "0", "--state-dir", join(folder.path, "state")];
  const { code, stderr } = await runSallyport(["serve", ...parameters], { environment: { TMPDIR: deep } });
  expect(code).toBe(1);
  expect(stderr).toContain(`error: "${deep}" is too long a path for unix sockets`);
  expect(stderr).toContain("hint: set TMPDIR to");
  expect(readdirSync(deep)).toEqual([]);
});

it("a broken project is refused with every problem, its file and its place", async () => {
  using folder = createFolder();
  const project = copyExampleProject(folder.path);
  writeFileSync(join(project, "config", "policies.json"), '{ "policies": [{ "name": "x" }] }');
  const parameters = ["--port", "0", "--project-dir", project, "--state-dir", join(folder.path, "state")];
  const stderr = await expectRefusal(parameters);
  expect(stderr).toContain("config/policies.json: policies[0].policyType");
  expect(stderr).toContain('"my-mtls-auth-inbound-policy" is not a policy');
});

it("a garbled trust bundle stops the start", async () => {
  using folder = createFolder();
  const bundle = join(folder.path, "bundle.json");
  writeFileSync(bundle, '{ "format": 1, "version": "1", "accounts": [{ "account": "local" }] }');
  const running = startSallyport([
    ...["edge", "--upstream", "http://127.0.0.1:9", "--port", "0", "--state-dir", join(folder.path, "state")],
    ...["--trust-bundle", bundle],
  ]);
  expect(await running.exited).toBe(1);
  expect(running.output.stderr).toContain("accounts.0.caCertificates");
});

it("wrong usage exits 2 and says what is allowed", async () => {
  const running = startSallyport(["dev", "--port", "http"]);
  expect(await running.exited).toBe(2);
  expect(running.output.stderr).toContain("sallyport: error: option '--port <port>' argument 'http' is invalid");
});
