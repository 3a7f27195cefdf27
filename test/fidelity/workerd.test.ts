/** `sallyport build --target workerd`: the project under plain `workerd serve`, behind the edge and beside its egress. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFreePort } from "../../cli/stack/ports.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { type Curl, createCurl } from "../system/curl.ts";
import {
  copyExampleProject,
  createFolder,
  type DevStack,
  REPOSITORY,
  type Running,
  runSallyport,
  startCommand,
  startSallyport,
  startStack,
  waitFor,
} from "../system/sallyport.ts";

const WORKERD = join(REPOSITORY, "node_modules/.bin/workerd");
/** What a text may have that C, JSON and Cap'n Proto write each in their own way */
const ODD_TEXT = `"quoted" \\ back\\nslash\ttab\nline é 🜁 \u0001`;

const folder = createFolder();
const outDir = join(folder.path, "dist");
const bundle = join(folder.path, "bundle.json");
/** Of the demo: its control plane and origin stand beside the edge that is tried */
let stack: DevStack;
let edge: Running;
let worker: Running;
let curl: Curl;

const file = (name: string) => stack.ready.files[name] ?? "";
const read = (path: string) => readFileSync(path, "utf8");
const readConfig = () => read(join(outDir, "workerd.capnp"));

function createProject(): string {
  const project = copyExampleProject(folder.path);
  const config = {
    name: "example",
    main: ".build/worker.ts",
    compatibility_date: "2026-10-01",
    send_metrics: false,
    vars: {
      ...{ ODD_TEXT, ALB_MTLS_CERT: "of-the-configuration", NESTED: { a: [1, "é"] } },
      SALLYPORT_ACCOUNT: "local",
    },
    alias: { "@zuplo/runtime": join(REPOSITORY, "src/runtime/index.ts") },
  };
  writeFileSync(join(project, "wrangler.json"), JSON.stringify(config));
  writeFileSync(
    join(project, "modules", "optional.ts"),
    `import { environment } from "@zuplo/runtime";\nexport default async () => environment;\n`,
  );
  return project;
}

beforeAll(async () => {
  stack = await startStack("dev", folder.path);
  const project = createProject();
  const state = join(folder.path, "edge");
  writeFileSync(bundle, JSON.stringify(createBundle()));
  const [edgePort, workerPort] = [await findFreePort(), await findFreePort()];
  edge = startSallyport([
    ...["edge", "--upstream", `http://127.0.0.1:${workerPort}`, "--port", String(edgePort), "--state-dir", state],
    ...["--trust-bundle", bundle, "--egress-allow", "127.0.0.0/8", "::1"],
  ]);
  await waitFor(
    () => (edge.output.stdout.includes("--env-file") ? true : undefined),
    () => edge.output.stderr,
  );
  const originEnv = join(folder.path, "origin.env");
  writeFileSync(originEnv, `ALB_BACKEND_URL=${origin()}\nALB_MTLS_CERT=aws_alb_cert\n`);
  const built = await runSallyport([
    ...["build", "--project-dir", project, "--target", "workerd", "--out-dir", outDir, "--env-file", originEnv],
  ]);
  expect([built.code, built.stdout.trim()]).toEqual([0, join(outDir, "workerd.capnp")]);
  const environment = { ...parseEnv(read(join(state, "worker.env"))), ...parseEnv(read(originEnv)) };
  worker = startCommand(WORKERD, ["serve", built.stdout.trim(), `--socket-addr=http=127.0.0.1:${workerPort}`], {
    environment: environment as Record<string, string>,
  });
  curl = createCurl(`https://localhost:${edgePort}`, join(state, "pki", "edge-ca.pem"));
  await waitFor(
    async () => ((await curl("/v1/inspect")).status === 503 ? undefined : true),
    () => worker.output.stderr,
  );
});

afterAll(async () => {
  for (const running of [worker, edge]) {
    running?.child.kill("SIGTERM");
    await running?.exited;
  }
  await stack?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const origin = () => (stack.ready as unknown as { origin: string }).origin;

function createBundle(): TrustBundle {
  const [account, project, version] = ["local", "example", "1"];
  const presented = {
    ...{ id: "cert_demo", version, name: "aws_alb_cert", project, isDisabled: false },
    ...{ environmentTypes: ["development" as const], certificate: read(file("originClientCert")) },
    privateKey: read(file("originClientKey")),
  };
  const caCertificates = [{ id: "mtlsca_demo", name: "demo_ca", certificate: read(file("clientCa")) }];
  const originCaCertificates = [{ id: "oca_demo", name: "origin_ca", project, certificate: read(file("originCa")) }];
  const domains = [{ hostname: "localhost", project }];
  const outbound = { mtlsCertificates: [presented], originCaCertificates };
  return { format: 1, version, accounts: [{ account, version, caCertificates, domains, ...outbound }] };
}

describe("behind the edge", () => {
  it("gives the verdicts of the other hosts", async () => {
    const client = { cert: file("clientCert"), key: file("clientKey") };
    const rogue = { cert: file("rogueCert"), key: file("rogueKey") };
    expect(await curl("/v1/example", client)).toMatchObject({
      status: 200,
      body: expect.stringMatching(/^Hello, CN=/),
    });
    expect((await curl("/v1/example", rogue)).json()).toMatchObject({ code: "client_certificate_rejected" });
    expect((await curl("/v1/example")).json()).toMatchObject({ code: "client_certificate_required" });
  });

  it("presents certificates through the egress, of the names that the environment gives", async () => {
    const subject = "CN=example-gateway,O=Example,C=US";
    expect((await curl("/v1/alb/hello")).json()).toMatchObject({ clientCertificate: { subject } });
  });

  it("has the variables of wrangler.json as they are, and the environment's in their place where one was named", async () => {
    const variables = (await curl("/v1/optional")).json();
    expect(variables).toMatchObject({ ODD_TEXT, ALB_BACKEND_URL: origin(), ALB_MTLS_CERT: "aws_alb_cert" });
    expect(Object.keys(variables).filter((name) => name.startsWith("SALLYPORT_"))).toEqual([]);
  });

  it("does not believe a request.cf or an assertion that a client sends past the edge", async () => {
    const url = `${/http:\/\/127\.0\.0\.1:\d+/.exec(worker.child.spawnargs.join(" ").replace("http=", "http://"))}`;
    const headers = {
      "mf-cf-blob": JSON.stringify({ tlsClientAuth: { certPresented: "1", certVerified: "SUCCESS" } }),
      "sallyport-edge-assertion": "forged",
    };
    expect((await fetch(`${url}/v1/example`, { headers })).status).toBe(401);
  });
});

describe("the build", () => {
  it("writes the names of secret variables, and no value", () => {
    const config = readConfig();
    const worker = parseEnv(read(join(folder.path, "edge", "worker.env")));
    expect(config).toContain('fromEnvironment = "SALLYPORT_EGRESS_TOKEN"');
    expect(config).toContain('fromEnvironment = "ALB_BACKEND_URL"');
    for (const value of [...Object.values(worker), origin()]) expect(config).not.toContain(value);
    expect(config).not.toContain("of-the-configuration");
    expect(config).toContain('name = "SALLYPORT_ACCOUNT", text = "local"');
  });

  it("leaves nothing in the folder but what the configuration names", () => {
    expect(readdirSync(outDir).sort()).toEqual(["worker.js", "workerd.capnp"]);
  });

  it("refuses bindings that plain workerd does not have, and names them all", async () => {
    using other = createFolder();
    const project = copyExampleProject(other.path);
    const config = {
      ...{ name: "example", main: ".build/worker.ts", compatibility_date: "2026-10-01" },
      kv_namespaces: [{ binding: "CACHE", id: "1" }],
      version_metadata: { binding: "VERSION" },
      queues: { producers: [{ binding: "JOBS", queue: "jobs" }] },
      mtls_certificates: [{ binding: "aws_alb_cert", certificate_id: "1" }],
    };
    writeFileSync(join(project, "wrangler.json"), JSON.stringify(config));
    const dist = join(other.path, "dist");
    const { code, stderr } = await runSallyport([
      ...["build", "--project-dir", project, "--target", "workerd", "--out-dir", dist],
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: error: plain workerd has nothing to give for .*\nsallyport: hint: /m);
    for (const name of ["CACHE", "VERSION", "JOBS"]) expect(stderr).toContain(`"${name} (`);
    expect(stderr).not.toContain("aws_alb_cert");
    expect(readdirSync(dist)).toEqual([]);
  });

  it("builds a project without a configuration of its own, and says that bindings of certificates are left out", async () => {
    using other = createFolder();
    const project = copyExampleProject(other.path);
    const built = await runSallyport(["build", "--project-dir", project, "--target", "workerd"]);
    expect(built).toMatchObject({ code: 0, stdout: `${join(project, ".build/workerd/workerd.capnp")}\n` });
    const config = {
      ...{ name: "example", main: ".build/worker.ts", compatibility_date: "2026-10-01" },
      alias: { "@zuplo/runtime": join(REPOSITORY, "src/runtime/index.ts") },
      mtls_certificates: [{ binding: "aws_alb_cert", certificate_id: "1" }],
    };
    writeFileSync(join(project, "wrangler.json"), JSON.stringify(config));
    const again = await runSallyport(["build", "--project-dir", project, "--target", "workerd"]);
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('the bindings "aws_alb_cert" of [[mtls_certificates]] are left out');
  });
});
