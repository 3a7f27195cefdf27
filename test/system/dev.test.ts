/** `sallyport dev`, as the README tells it: one stack for the whole file. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, type Curl, createCurl } from "./curl.ts";
import {
  copyExampleProject,
  createFolder,
  type DevStack,
  findProcess,
  runCommand,
  startDev,
  waitFor,
} from "./sallyport.ts";

const folder = createFolder();
let project: string;
let dev: DevStack;
let curl: Curl;
let client: Certificate;
let chain: Certificate;
let rogue: Certificate;

beforeAll(async () => {
  project = copyExampleProject(folder.path);
  dev = await startDev(folder.path, ["--project-dir", project]);
  const { files, edge } = dev.ready;
  curl = createCurl(edge, file("edgeCa"));
  client = { cert: file("clientCert"), key: file("clientKey") };
  chain = { cert: file("chainCert"), key: file("chainKey") };
  rogue = { cert: file("rogueCert"), key: file("rogueKey") };
  expect(Object.values(files).every((path) => path.startsWith("/"))).toBe(true);
});

afterAll(async () => {
  await dev?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function file(name: string): string {
  const path = dev.ready.files[name];
  if (path === undefined) throw new Error(`ready.json has no file "${name}"`);
  return path;
}

describe("the example routes", () => {
  it("answer 401 without a certificate", async () => {
    const answer = await curl("/v1/example");
    expect(answer.status).toBe(401);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ code: "client_certificate_required", instance: "/v1/example" });
  });

  it("greet a client whose certificate the uploaded CA issued", async () => {
    expect(await curl("/v1/example", client)).toMatchObject({
      status: 200,
      body: "Hello, CN=demo-client,O=Example,C=US",
    });
  });

  it("greet a client that sends its intermediate along, and reject it on a route for another issuer", async () => {
    expect(await curl("/v1/chain", chain)).toMatchObject({ status: 200 });
    const answer = await curl("/v1/example", chain);
    expect(answer.status).toBe(401);
    expect(answer.json().hint).toContain("certIssuerDN");
  });

  it("reject a certificate of another CA, and say why", async () => {
    const answer = await curl("/v1/example", rogue);
    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({
      code: "client_certificate_rejected",
      reason: "unable to get local issuer certificate",
    });
  });

  it("let everybody through in passthrough, and tell the handler what is known", async () => {
    expect((await curl("/v1/optional")).json()).toEqual({
      user: null,
      clientMtlsVerificationStatus: "NONE",
      clientMtlsVerificationReason: "",
    });
    const fromRogue = (await curl("/v1/optional", rogue)).json<{ user: { sub?: string; data: object } }>();
    expect(fromRogue).toMatchObject({
      user: { data: { mtlsAuth: { subject: "CN=rogue-client,O=Example,C=US", verified: false } } },
      clientMtlsVerificationStatus: "FAILED",
      clientMtlsVerificationReason: "unable to get local issuer certificate",
    });
    expect(fromRogue.user.sub).toBeUndefined();
    expect((await curl("/v1/optional", client)).json()).toMatchObject({
      user: { sub: "CN=demo-client,O=Example,C=US", data: { mtlsAuth: { verified: true } } },
    });
  });

  it("show the request as the handler sees it: public URL, the edge's own headers, none of the client's claims", async () => {
    const forged = ["-H", "Client-Cert: :AAAA:", "-H", "X_SSL_Client_Verify: SUCCESS", "-H", "MF-CF-Blob: {}"];
    const seen = (
      await curl("/v1/inspect?a=b", client, "--data", "hello", "-H", "X-Forwarded-For: 6.6.6.6", ...forged)
    ).json<{ url: string; body: string; headers: Record<string, string>; incomingRequestProperties: object }>();
    expect(seen).toMatchObject({
      method: "POST",
      url: `${dev.ready.edge}/v1/inspect?a=b`,
      body: "hello",
      headers: { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https", "true-client-ip": "127.0.0.1" },
      incomingRequestProperties: { httpProtocol: "HTTP/1.1", clientMtlsVerificationStatus: "SUCCESS" },
    });
    const names = Object.keys(seen.headers);
    expect(names.filter((name) => /^(?:sallyport-|mf-|client-cert|x.ssl)/.test(name))).toEqual([]);
  });

  it("answer on every response with a request id that the edge's log has, too", async () => {
    const { headers } = await curl("/v1/example", client);
    expect(headers["zp-rid"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["sallyport-request-id"]).toBe(headers["zp-rid"]);
    const event = await waitFor(() =>
      dev.running.output.stderr.split("\n").find((line) => line.includes(`"${headers["zp-rid"]}"`)),
    );
    expect(JSON.parse(event)).toMatchObject({ event: "request", verdict: "SUCCESS", status: 200 });
  });
});

describe("the ready block", () => {
  it("has four curl lines, and what they say holds", async () => {
    const lines = dev.running.output.stdout.split("\n").filter((line) => line.trim().startsWith("curl "));
    expect(lines).toHaveLength(4);
    const answers = await Promise.all(lines.map((line) => runCommand("sh", ["-c", line.replace("curl", "curl -s")])));
    const bodies = answers.map(({ stdout }) => stdout);
    expect(bodies[0]).toContain('"client_certificate_required"');
    expect(bodies[1]).toBe("Hello, CN=demo-client,O=Example,C=US");
    expect(bodies[2]).toBe("Hello, CN=demo-chain-client,O=Example,C=US");
    expect(bodies[3]).toContain('"client_certificate_rejected"');
    expect(bodies[3]).toContain('"clientMtlsVerificationReason":"unable to get local issuer certificate"');
  });

  it("leaves keys that only their owner can read", () => {
    const modes = [dev.stateDir, file("clientKey"), join(dev.stateDir, "edge-signing-key.json")].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });
});

describe("what changes while it runs", () => {
  it("an edited module is what the next requests see", async () => {
    const module = join(project, "modules", "hello.ts");
    const text = readFileSync(module, "utf8");
    writeFileSync(module, text.replace("Hello, ", "Good day, "));
    await waitFor(async () => ((await curl("/v1/example", client)).body.startsWith("Good day, ") ? true : undefined));
    writeFileSync(module, text);
    await waitFor(async () => ((await curl("/v1/example", client)).body.startsWith("Hello, ") ? true : undefined));
  });

  it("a garbled route file is complained about, and the last good one goes on", async () => {
    const routes = join(project, "config", "routes.oas.json");
    const text = readFileSync(routes, "utf8");
    writeFileSync(routes, text.slice(0, -20));
    await waitFor(() => (dev.running.output.stderr.includes("config/routes.oas.json") ? true : undefined));
    expect(await curl("/v1/example", client)).toMatchObject({ status: 200 });
    writeFileSync(routes, text.replace('"/v1/optional"', '"/v1/renamed"'));
    await waitFor(async () => ((await curl("/v1/renamed", client)).status === 200 ? true : undefined));
    writeFileSync(routes, text);
    await waitFor(async () => ((await curl("/v1/optional", client)).status === 200 ? true : undefined));
  });

  it("a worker that is killed comes back by itself", async () => {
    process.kill(findProcess(dev.processes(), "wrangler-dist"), "SIGKILL");
    // An answer that was on its way when the worker died is cut.
    const status = async () => (await curl("/v1/example", client).catch(() => undefined))?.status;
    await waitFor(async () => ((await status()) === 503 ? true : undefined));
    await waitFor(async () => ((await status()) === 200 ? true : undefined));
  });
});
