/** The second guide, line by line, with `sallyport` for `zuplo` and a stand-in for the ALB; and its Troubleshooting. */
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Alb, startAlb } from "../../fixtures/alb/alb.ts";
import { echoTarget } from "../../fixtures/alb/echo-target.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { type Curl, createCurl } from "./curl.ts";
import { createKeptAliveClient } from "./kept-alive.ts";
import { createOutboundProject } from "./outbound-project.ts";
import { createFolder, type DevStack, runSallyport, startDev, waitFor } from "./sallyport.ts";

const ALL_TYPES = ["development", "preview", "production"].flatMap((type) => ["--environment-type", type]);
/** The first is named by functions and variables, too. */
const NAMES = ["aws_alb", "stranger", "misspelt", "production_only", "rotated", "disabled"];
const CONNECTIONS = 20;

const folder = createFolder();
let authority: CertificateAuthority;
let alb: Alb;
let dev: DevStack;
let curl: Curl;

beforeAll(async () => {
  authority = await createCertificateAuthority({ subject: "CN=partner-origin-ca,O=Example,C=US" });
  const server = await authority.issueServer();
  alb = await startAlb({
    mode: "verify",
    trustStore: authority.certificatePem,
    certificate: server.chainPem,
    key: server.keyPem,
    target: (request, response) => {
      if (request.path.endsWith("/forbidden")) response.statusCode = 403;
      return echoTarget(request, response);
    },
  });
  const project = createOutboundProject(folder.path, alb.url, NAMES);
  dev = await startDev(folder.path, ["--project-dir", project, "--no-origin"]);
  curl = createCurl(dev.ready.edge, dev.ready.files.edgeCa ?? "");
  // So that commands in this folder find the stack as they do in a user's.
  symlinkSync(dev.stateDir, join(folder.path, ".sallyport"));
});

afterAll(async () => {
  await dev?.[Symbol.asyncDispose]();
  await alb?.close();
  folder[Symbol.dispose]();
});

function sallyport(...parameters: string[]) {
  return runSallyport(parameters, { cwd: folder.path });
}

/** The paths of certificate and key, as flags. */
function saveIdentity(name: string, { chainPem, keyPem }: IssuedCertificate): string[] {
  const [cert, key] = [join(folder.path, `${name}.pem`), join(folder.path, `${name}.key`)];
  writeFileSync(cert, chainPem);
  writeFileSync(key, keyPem, { mode: 0o600 });
  return ["--cert", cert, "--key", key];
}

async function create(name: string, identity: IssuedCertificate, types = ALL_TYPES): Promise<string> {
  const files = saveIdentity(name, identity);
  const created = await sallyport("mtls-certificate", "create", "--name", name, ...files, ...types, "-o", "json");
  expect(created).toMatchObject({ code: 0 });
  return (JSON.parse(created.stdout) as { id: string }).id;
}

/** Waits for the edge to hear of what was done: the push takes a moment. */
function becomes(path: string, status: number, code?: string) {
  return waitFor(async () => {
    const answer = await curl(path);
    return answer.status === status && (code === undefined || answer.json().code === code) ? answer : undefined;
  });
}

function subjectOf(body: string): string | undefined {
  return (JSON.parse(body) as { clientCertificate: { subject: string } | null }).clientCertificate?.subject;
}

describe("2/ upload your client certificate", () => {
  it("refuses the guide's own name, which is no identifier, and proposes one", async () => {
    const identity = await authority.issue({ subject: "CN=gateway" });
    const files = saveIdentity("refused", identity);
    const refused = await sallyport("mtls-certificate", "create", "--name", "aws-alb-cert", ...files, ...ALL_TYPES);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("aws_alb_cert");
  });

  it("says what is missing before anything is uploaded", async () => {
    const answer = await curl("/forward/aws_alb/api");
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ code: "mtls_certificate_not_found" });
    expect(answer.json().hint).toContain("sallyport mtls-certificate create --name aws_alb");
  });

  it("trusts no origin with a private CA until that is uploaded, and says how", async () => {
    await create("aws_alb", await authority.issue({ subject: "CN=gateway,O=Example,C=US" }));
    const answer = await becomes("/forward/aws_alb/api", 522, "origin_certificate_untrusted");
    expect(answer.json().hint).toContain("sallyport origin-ca create");
    const ca = join(folder.path, "origin-ca.pem");
    writeFileSync(ca, authority.certificatePem);
    expect(await sallyport("origin-ca", "create", "--name", "partner_ca", "--cert", ca)).toMatchObject({ code: 0 });
    await becomes("/forward/aws_alb/api", 200);
  });
});

describe("3/ and 4/ present the certificate, chosen by name or by variable", () => {
  it.each(["/forward/aws_alb/api", "/function", "/variable/api", "/variable-function"])("on %s", async (path) => {
    const answer = await curl(path);
    expect(answer.status).toBe(200);
    expect(subjectOf(answer.body)).toBe("CN=gateway,O=Example,C=US");
    expect(answer.json().path).toMatch(/\/api$/);
  });
});

describe("Troubleshooting", () => {
  it("the CA is not in the ALB's trust store: 522, with the alert and what to do", async () => {
    const stranger = await createCertificateAuthority({ subject: "CN=unknown-to-the-alb" });
    await create("stranger", await stranger.issue({ subject: "CN=gateway" }));
    const answer = await becomes("/forward/stranger/api", 522);
    expect(answer.json()).toMatchObject({ code: "origin_client_certificate_rejected" });
    expect(answer.json().reason).toContain("unknown_ca");
    expect(answer.json().hint).toContain("trust store");
    expect(alb.connections.at(-1)?.tlsVerifyStatus).toBe("Failed:ClientCertUntrusted");
  });

  it("the client certificate has expired: the upload is refused, and says when", async () => {
    const expired = await authority.issue({
      subject: "CN=late",
      notBefore: new Date("2020-01-01"),
      notAfter: new Date("2021-01-01"),
    });
    const files = saveIdentity("late", expired);
    const refused = await sallyport("mtls-certificate", "create", "--name", "late", ...files, ...ALL_TYPES);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("2021-01-01");
  });

  it("the name in the configuration is not the one that was uploaded: 500, and never a call without certificate", async () => {
    const before = alb.connections.length;
    const answer = await curl("/forward/misspelt/api");
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ code: "mtls_certificate_not_found" });
    expect(alb.connections.length).toBe(before);
  });

  it("the ALB answers 403: it is passed on", async () => {
    expect(await curl("/forward/aws_alb/forbidden")).toMatchObject({ status: 403 });
  });

  it("not enabled for this environment: 500 with the command to run, which the list explains and the command mends", async () => {
    const identity = await authority.issue({ subject: "CN=production" });
    const id = await create("production_only", identity, ["--environment-type", "production"]);
    const answer = await becomes("/forward/production_only/api", 500, "mtls_certificate_disabled");
    expect(answer.json().hint).toContain(`mtls-certificate update --cert-id ${id} --environment-type production`);
    expect((await sallyport("mtls-certificate", "list")).stdout).toMatch(/production_only.*production/);
    const types = ["--environment-type", "production", "--environment-type", "development"];
    await sallyport("mtls-certificate", "update", "--cert-id", id, ...types);
    await becomes("/forward/production_only/api", 200);
  });

  it("a disabled certificate is presented to nobody from then on, also not on open connections", async () => {
    const id = await create("disabled", await authority.issue({ subject: "CN=disabled" }));
    await becomes("/forward/disabled/api", 200);
    expect(await sallyport("mtls-certificate", "disable", "--cert-id", id)).toMatchObject({ code: 0 });
    await becomes("/forward/disabled/api", 500, "mtls_certificate_disabled");
  });
});

describe("rotation", () => {
  it("three times under load: no request fails, and after each the origin never sees an old certificate again", async () => {
    const issue = (version: number) => authority.issue({ subject: `CN=gateway-${version}` });
    const id = await create("rotated", await issue(0));
    await becomes("/forward/rotated/api", 200);
    using client = createKeptAliveClient({
      edge: dev.ready.edge,
      ca: readFileSync(dev.ready.files.edgeCa ?? "", "utf8"),
      connections: CONNECTIONS,
    });
    const seen: number[] = [];
    let isOver = false;
    const load = Array.from({ length: CONNECTIONS }, async () => {
      while (!isOver) {
        const newest = Math.max(0, ...seen);
        const { status, body } = await client.get("/forward/rotated/api");
        expect({ status, body }).toMatchObject({ status: 200 });
        const version = Number(subjectOf(body)?.replace("CN=gateway-", ""));
        expect(version).toBeGreaterThanOrEqual(newest);
        seen.push(version);
      }
    });
    for (const version of [1, 2, 3]) {
      const files = saveIdentity(`rotated-${version}`, await issue(version));
      expect(await sallyport("mtls-certificate", "update", "--cert-id", id, ...files)).toMatchObject({ code: 0 });
      await waitFor(() => (seen.includes(version) ? true : undefined));
    }
    isOver = true;
    await Promise.all(load);
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3]));
  });
});
