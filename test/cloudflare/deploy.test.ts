/** `sallyport deploy cloudflare` with the real wrangler, against a stand-in for Cloudflare's API. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { createWorkplace, type Run, type Workplace } from "../cli/sallyport.ts";
import { REPOSITORY } from "../system/sallyport.ts";
import { ACCOUNT_ID, type CloudflareStandIn, startCloudflareStandIn, TOKEN } from "./cloudflare-api.ts";

const RUNTIME = join(REPOSITORY, "src/runtime/index.ts");
const CONFIG = `# mine
name = "shop"
main = ".build/worker.ts"
compatibility_date = "2026-10-01"
[vars]
GREETING = "hello"
[build]
command = "${process.execPath} ${join(REPOSITORY, "cli/main.ts")} build"
[alias]
"@zuplo/runtime" = "${RUNTIME}"
`;

let authority: CertificateAuthority;
let client: IssuedCertificate;
let rotated: IssuedCertificate;
let cloudflare: CloudflareStandIn;
let place: Workplace;

beforeAll(async () => {
  authority = await createCertificateAuthority({ subject: "CN=partners" });
  client = await authority.issue({ subject: "CN=gateway" });
  rotated = await authority.issue({ subject: "CN=gateway" });
});

beforeEach(async () => {
  cloudflare = await startCloudflareStandIn();
  place = createWorkplace({
    CLOUDFLARE_API_BASE_URL: cloudflare.url,
    CLOUDFLARE_API_TOKEN: TOKEN,
    CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
  });
  place.write("wrangler.toml", CONFIG);
  place.write("config/policies.json", JSON.stringify({ policies: [], corsPolicies: [] }));
  place.write("config/routes.oas.json", JSON.stringify(createRoutes("aws_alb")));
  place.write("ca.pem", authority.certificatePem);
  for (const [name, identity] of Object.entries({ client, rotated })) {
    place.write(`${name}.pem`, identity.chainPem);
    place.write(`${name}.key`, identity.keyPem);
  }
});

afterEach(async () => {
  await cloudflare[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

function createRoutes(mtlsCertificate: string) {
  const options = { baseUrl: "https://alb.example.com", mtlsCertificate };
  const handler = { export: "urlForwardHandler", module: "$import(@zuplo/runtime)", options };
  const get = { "x-zuplo-route": { corsPolicy: "none", handler, policies: { inbound: [] } } };
  return { openapi: "3.1.0", info: { title: "Shop", version: "1" }, paths: { "/orders": { get } } };
}

const INBOUND = ["--ca", "partners=./ca.pem", "--hostname", "api.example.com"];
const OUTBOUND = ["--mtls-certificate", "aws_alb=./client.pem,./client.key"];

function deploy(...flags: string[]): Promise<Run> {
  return place.run(["deploy", "cloudflare", ...flags]);
}

/** Of the worker that was uploaded last. */
function bindings(): Record<string, unknown>[] {
  return cloudflare.workers.at(-1)?.metadata.bindings ?? [];
}

const idOf = (isCa: boolean) => cloudflare.certificates.find(({ ca }) => ca === isCa)?.id;

function expectNoSecret(...texts: string[]): void {
  const key = client.keyPem.split("\n")[1] ?? "";
  expect(key).toHaveLength(64);
  for (const text of texts) {
    expect(text).not.toContain(key);
    expect(text).not.toContain(TOKEN);
  }
}

describe("a first deployment", () => {
  it("uploads certificates, asks clients for theirs, binds, sets and deploys, and leaves no trace in the project", async () => {
    const run = await deploy(...INBOUND, ...OUTBOUND, "--yes");
    expect(run).toMatchObject({ code: 0 });
    expect(cloudflare.problems).toEqual([]);
    expect(cloudflare.certificates).toMatchObject([
      { name: "partners", ca: true, certificates: authority.certificatePem },
      { name: "aws_alb", ca: false, certificates: client.chainPem },
    ]);
    expect([...cloudflare.hostnames]).toEqual([[idOf(true), ["api.example.com"]]]);
    expect(cloudflare.workers).toMatchObject([{ name: "shop" }]);
    expect(bindings()).toEqual(
      expect.arrayContaining([
        { name: "aws_alb", type: "mtls_certificate", certificate_id: idOf(false) },
        { name: "SALLYPORT_CLIENT_CERTIFICATE_SOURCE", type: "plain_text", text: "cloudflare" },
        { name: "SALLYPORT_ENVIRONMENT", type: "plain_text", text: "production" },
        { name: "GREETING", type: "plain_text", text: "hello" },
      ]),
    );
    expect(readFileSync(join(place.path, "wrangler.toml"), "utf8")).toBe(CONFIG);
    expect(readdirSync(place.path).filter((name) => name.includes("sallyport-deploy"))).toEqual([]);
    expectNoSecret(run.stdout, run.stderr, JSON.stringify(cloudflare.workers));
  });

  it("takes another name and environment", async () => {
    expect((await deploy(...OUTBOUND, "--yes", "--name", "shop-preview", "--environment", "preview")).code).toBe(0);
    expect(cloudflare.workers).toMatchObject([{ name: "shop-preview" }]);
    expect(bindings()).toContainEqual({ name: "SALLYPORT_ENVIRONMENT", type: "plain_text", text: "preview" });
  });
});

describe("the plan", () => {
  it("is shown and nothing is changed, with --dry-run", async () => {
    const { code, stdout, stderr } = await deploy(...INBOUND, ...OUTBOUND, "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^upload +CA certificate partners/m);
    expect(stdout).toMatch(/^upload +mTLS certificate aws_alb/m);
    expect(stdout).toMatch(/^ask +clients of api\.example\.com +for certificates of partners/m);
    expect(stdout).toMatch(/^bind +aws_alb/m);
    expect(stdout).toMatch(/^deploy +worker shop +with a copy of wrangler\.toml, which stays as it is/m);
    expect(stderr).toContain("nothing was changed");
    expect(stderr).toContain('set routes in wrangler.toml: [{ pattern = "api.example.com"');
    expect(cloudflare.changes).toEqual([]);
  });

  it("says nothing of routes where the project has some, or asks no client for certificates", async () => {
    expect((await deploy(...OUTBOUND, "--dry-run")).stderr).not.toContain("set routes");
    const routes = 'routes = [{ pattern = "api.example.com", custom_domain = true }]\n[vars]';
    place.write("wrangler.toml", CONFIG.replace("[vars]", routes));
    expect((await deploy(...INBOUND, ...OUTBOUND, "--dry-run")).stderr).not.toContain("set routes");
  });

  it("is asked about on a terminal, and no is an answer", async () => {
    const run = await place.run(["deploy", "cloudflare", ...OUTBOUND], { answers: [""] });
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing was changed") });
    expect(cloudflare.changes).toEqual([]);
  });

  it("is not carried out where nobody can be asked and nobody said yes", async () => {
    const run = await deploy(...OUTBOUND);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("give --yes") });
    expect(cloudflare.changes).toEqual([]);
  });
});

describe("a second deployment", () => {
  it("uploads nothing again, and only deploys", async () => {
    await deploy(...INBOUND, ...OUTBOUND, "--yes");
    cloudflare.changes.length = 0;
    const { code, stdout } = await deploy(...INBOUND, ...OUTBOUND, "--yes");
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/^(?:upload|ask)/m);
    expect(cloudflare.changes.filter((change) => !change.includes("/workers/scripts/shop"))).toEqual([]);
    expect(cloudflare.problems).toEqual([]);
    expect(cloudflare.certificates).toHaveLength(2);
    expect(bindings()).toContainEqual({ name: "aws_alb", type: "mtls_certificate", certificate_id: idOf(false) });
  });

  it("adds a host name beside those that somebody else added", async () => {
    await deploy(...INBOUND, ...OUTBOUND, "--yes");
    cloudflare.hostnames.set(String(idOf(true)), ["api.example.com", "by-hand.example.com"]);
    expect((await deploy(...INBOUND, "--hostname", "eu.example.com", ...OUTBOUND, "--yes")).code).toBe(0);
    expect(cloudflare.hostnames.get(String(idOf(true)))).toEqual([
      ...["api.example.com", "by-hand.example.com", "eu.example.com"],
    ]);
  });

  it("uploads a rotated certificate under the same name, binds it, and says that the old one is there", async () => {
    await deploy(...OUTBOUND, "--yes");
    const old = idOf(false);
    const { code, stdout } = await deploy("--mtls-certificate", "aws_alb=./rotated.pem,./rotated.key", "--yes");
    expect(code).toBe(0);
    expect(stdout).toContain(`beside ${old} of that name`);
    const [, added] = cloudflare.certificates;
    expect(bindings()).toContainEqual({ name: "aws_alb", type: "mtls_certificate", certificate_id: added?.id });
  });

  it("takes up where an earlier one broke off", async () => {
    cloudflare.failNext("PUT /zones", 500, { success: false, errors: [], result: null });
    expect((await deploy(...INBOUND, ...OUTBOUND, "--yes")).code).toBe(1);
    expect(cloudflare.workers).toEqual([]);
    expect((await deploy(...INBOUND, ...OUTBOUND, "--yes")).code).toBe(0);
    expect(cloudflare.certificates).toHaveLength(2);
  });

  it("finds a certificate on a later page, and under another name", async () => {
    for (const [index, name] of ["one", "two", "three"].entries()) {
      const other = await createCertificateAuthority({ subject: `CN=${name}` });
      const id = `00000000-0000-0000-0000-00000000000${index}`;
      cloudflare.certificates.push({ id, name, ca: true, certificates: other.certificatePem });
    }
    const id = "00000000-0000-0000-0000-000000000009";
    cloudflare.certificates.push({ id, name: "by-hand", ca: true, certificates: authority.certificatePem });
    const { stdout } = await deploy(...INBOUND, ...OUTBOUND, "--dry-run");
    expect(stdout).toMatch(new RegExp(`^keep +CA certificate partners +${id}, there under the name by-hand`, "m"));
  });
});

describe("what Cloudflare refuses", () => {
  const errors = (code: number, message: string) => ({ success: false, errors: [{ code, message }], result: null });

  it.each([
    [401, 10_000, "Authentication error", "CLOUDFLARE_API_TOKEN is not accepted"],
    [403, 9_109, "Unauthorized to access requested resource", "SSL and Certificates: Edit"],
    [404, 7_003, "Could not route", "CLOUDFLARE_ACCOUNT_ID"],
    [409, 1_406, "Conflict", "wrangler cert list"],
    [503, 1_000, "Unavailable", "cloudflarestatus.com"],
  ])("%i is said with what to do", async (status, code, message, hint) => {
    cloudflare.failNext("GET /accounts", status, errors(code, message));
    const { code: exit, stderr } = await deploy(...OUTBOUND, "--yes");
    expect(exit).toBe(1);
    expect(stderr).toContain(`with ${status}: ${message} [code: ${code}]`);
    expect(stderr).toMatch(new RegExp(`^sallyport: hint: .*${hint}`, "m"));
    expect(cloudflare.changes).toEqual([]);
  });

  it("a rate limit is said with the time to wait", async () => {
    cloudflare.failNext("GET /accounts", 429, errors(971, "Please wait"), { "retry-after": "42" });
    expect((await deploy(...OUTBOUND, "--yes")).stderr).toContain("wait 42 seconds");
  });

  it("an upload by wrangler is said with Cloudflare's words", async () => {
    cloudflare.failNext("POST /accounts", 403, errors(10_000, "Authentication error"));
    const { code, stderr } = await deploy(...OUTBOUND, "--yes");
    expect(code).toBe(1);
    expect(stderr).toContain("Authentication error [code: 10000]");
    expect(stderr).toContain("SSL and Certificates: Edit");
    expect(cloudflare.workers).toEqual([]);
  });

  it("an answer that is none of Cloudflare's", async () => {
    cloudflare.failNext("GET /accounts", 200, { success: true, errors: [], result: [{ id: 7 }] });
    expect((await deploy(...OUTBOUND, "--yes")).stderr).toContain("is not what its documents say");
  });
});

describe("what is refused before anything is sent", () => {
  it.each([
    [
      "a certificate that the project names and nobody gives",
      [],
      '"aws_alb", and no certificate of that name is given',
    ],
    ["a key of another certificate", ["--mtls-certificate", "aws_alb=./client.pem,./rotated.key"], "is not the key of"],
    ["a leaf for a CA", [...OUTBOUND, "--ca", "partners=./client.pem"], "is no CA certificate"],
    ["a file that holds a key for a CA", [...OUTBOUND, "--ca", "partners=./client.key"], "holds a private key"],
    ["a host name without a CA", [...OUTBOUND, "--hostname", "api.example.com"], "no --ca says of whom"],
    ["a name that is none", ["--mtls-certificate", "aws-alb=./client.pem,./client.key"], "cannot be the name"],
    ["a certificate without its key", ["--mtls-certificate", "aws_alb=./client.pem"], "does not say what is wanted"],
    ["one name twice", [...OUTBOUND, ...OUTBOUND], "is given twice"],
    [
      "a host name of no zone",
      [...INBOUND, ...OUTBOUND, "--hostname", "api.example.org"],
      'no zone of the account has "api.example.org"',
    ],
  ])("%s", async (_, flags, message) => {
    const { code, stderr } = await deploy(...flags, "--yes");
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(cloudflare.changes).toEqual([]);
  });

  it("variables of an edge in the configuration", async () => {
    place.write("wrangler.toml", CONFIG.replace("GREETING", 'SALLYPORT_EDGE_JWKS = "{}"\nGREETING'));
    expect((await deploy(...OUTBOUND, "--yes")).stderr).toContain("there is no edge in front of the worker");
  });

  it.each([
    ["no token", { CLOUDFLARE_API_TOKEN: "" }, "CLOUDFLARE_API_TOKEN is not set"],
    ["no account", { CLOUDFLARE_ACCOUNT_ID: "" }, "CLOUDFLARE_ACCOUNT_ID is not set"],
    ["an account that is none", { CLOUDFLARE_ACCOUNT_ID: "acme" }, "is not an account id"],
    [
      "an API to which the token would go in the clear",
      { CLOUDFLARE_API_BASE_URL: "http://api.example.com" },
      "allowed are https://",
    ],
  ])("%s", async (_, environment, message) => {
    const run = await place.run(["deploy", "cloudflare", ...OUTBOUND, "--yes"], { environment });
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });

  it("a token that another account's is", async () => {
    const environment = { CLOUDFLARE_API_TOKEN: "another" };
    const run = await place.run(["deploy", "cloudflare", ...OUTBOUND, "--yes"], { environment });
    expect(run.stderr).toContain("with 401");
    expect(cloudflare.changes).toEqual([]);
  });
});
