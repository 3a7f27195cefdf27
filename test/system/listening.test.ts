/** Where `sallyport edge` and `sallyport control` listen, and to whom, when they are told so. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectAtOtherAddress as reach } from "../security/harness/other-address.ts";
import { createFolder, runCommand, runSallyport, startSallyport, waitFor } from "./sallyport.ts";

/** Of this machine, and not where things listen by themselves */
const OTHER_ADDRESS = "127.0.0.2";

it("an edge has its metrics where --metrics-host says, and takes a load balancer's word for who the client is", async () => {
  using folder = createFolder();
  const upstream = createServer((request, response) => response.end(request.headers["true-client-ip"]));
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  const edge = startSallyport([
    ...["edge", "--upstream", `http://127.0.0.1:${port}`, "--port", "0", "--state-dir", join(folder.path, "state")],
    ...["--metrics-port", "0", "--metrics-host", OTHER_ADDRESS, "--proxy-protocol-from", "127.0.0.1/32", "10.0.0.0/8"],
  ]);
  const ports = await waitFor(
    () => /"edge":(\d+),"operations":(\d+)/.exec(edge.output.stderr) ?? undefined,
    () => edge.output.stderr,
  );
  expect((await fetch(`http://${OTHER_ADDRESS}:${ports[2]}/readyz`)).status).toBe(200);
  await expect(fetch(`http://127.0.0.1:${ports[2]}/readyz`)).rejects.toThrow();
  // curl speaks version 1, and names itself.
  const ask = (...more: string[]) =>
    runCommand("curl", ["-sS", "--cacert", join(folder.path, "state", "pki", "edge-ca.pem"), ...more]);
  const url = `https://localhost:${ports[1]}/`;
  expect(await ask("--ipv4", "--haproxy-protocol", url)).toMatchObject({ code: 0, stdout: "127.0.0.1" });
  expect((await ask("--ipv4", url)).code).not.toBe(0);
  expect((await ask("--ipv4", "--interface", OTHER_ADDRESS, "--haproxy-protocol", url)).code).not.toBe(0);
  edge.child.kill("SIGTERM");
  expect(await edge.exited).toBe(0);
  upstream.close();
});

it("a control plane listens where --host says", async () => {
  using folder = createFolder();
  const control = startSallyport([
    ...["control", "--host", OTHER_ADDRESS, "--control-port", "0", "--state-dir", join(folder.path, "state")],
  ]);
  const url = await waitFor(
    () => /control plane on (http:\S+),/.exec(control.output.stdout)?.[1],
    () => control.output.stderr,
  );
  expect(new URL(url).hostname).toBe(OTHER_ADDRESS);
  expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
  expect(await reach(url)).toBe("connected");
  await expect(fetch(url.replace(OTHER_ADDRESS, "127.0.0.1"))).rejects.toThrow();
  control.child.kill("SIGTERM");
  expect(await control.exited).toBe(0);
});

it("a network that is none, and what goes with no load balancer, are refused", async () => {
  using folder = createFolder();
  const state = ["--state-dir", join(folder.path, "state"), "--port", "0"];
  const edge = ["edge", "--upstream", "http://127.0.0.1:9", ...state];
  const wrong = await runSallyport([...edge, "--proxy-protocol-from", "10.0.0.0/40"]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/^sallyport: error: "10\.0\.0\.0\/40" is not a network, /m);
  const once = await runSallyport(["dev", ...state, "--once", "--proxy-protocol-from", "10.0.0.0/8"]);
  expect(once).toMatchObject({ code: 2, stdout: "" });
  expect(once.stderr).toContain("--once");
  const elsewhere = await runSallyport([...edge, "--metrics-port", "0", "--metrics-host", "192.0.2.1"]);
  expect(elsewhere.code).toBe(1);
  expect(elsewhere.stderr).toContain("--metrics-host");
});
