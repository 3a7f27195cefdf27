/**
 * Private keys for origins in a control plane of its own process: they leave it in an edge's document and nowhere else,
 * whatever goes wrong, and they outlive a change of the master key.
 */
import { createPrivateKey, type KeyObject, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { createFolder, type Running, runSallyport, startSallyport, waitFor } from "./sallyport.ts";

const [oldMasterKey, newMasterKey] = [randomMasterKey(), randomMasterKey()];
const PROJECT = "/v1/accounts/acme/projects/shop";
const CERTIFICATES = `${PROJECT}/mtls-certificates`;
const folder = createFolder();
const stateDir = join(folder.path, "state");
/** Everything that was answered or printed, but edges' documents */
const said: string[] = [];

let control: Running;
let controlUrl: string;
let adminKey: string;
let edgeKey: string;
let authority: CertificateAuthority;
let first: IssuedCertificate;
let second: IssuedCertificate;

beforeAll(async () => {
  authority = await createCertificateAuthority({ subject: "CN=partner-ca" });
  [first, second] = [await authority.issue({ subject: "CN=first" }), await authority.issue({ subject: "CN=second" })];
  await startControl({ SALLYPORT_MASTER_KEY: oldMasterKey });
  adminKey = readFileSync(join(stateDir, "admin-key"), "utf8").trim();
  await send("POST", "/v1/accounts", { name: "acme" });
  await send("POST", "/v1/accounts/acme/projects", { name: "shop" });
  const answer = await send("POST", "/v1/api-keys", { name: "edge", scope: "edge" });
  edgeKey = (JSON.parse(answer.text) as { key: string }).key;
});

afterAll(async () => {
  await stopControl();
  folder[Symbol.dispose]();
});

function randomMasterKey(): string {
  return randomBytes(32).toString("base64");
}

async function startControl(environment: Record<string, string>): Promise<void> {
  control = startSallyport(["control", "--control-port", "0", "--state-dir", stateDir], { environment });
  controlUrl = await waitFor(
    () => /control plane on (http:\S+),/.exec(control.output.stdout)?.[1],
    () => control.output.stderr,
  );
}

async function stopControl(): Promise<void> {
  control.child.kill("SIGTERM");
  await control.exited;
  said.push(control.output.stdout, control.output.stderr);
}

async function send(method: string, path: string, body?: object | string) {
  const response = await fetch(`${controlUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: typeof body === "string" ? body : JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  said.push(text);
  return { status: response.status, text };
}

/** As an operator runs it, with an admin key. */
async function sallyport(...parameters: string[]) {
  const target = { SALLYPORT_ACCOUNT: "acme", SALLYPORT_PROJECT: "shop" };
  const environment = { SALLYPORT_API_URL: controlUrl, SALLYPORT_API_KEY: adminKey, ...target };
  const run = await runSallyport(parameters, { cwd: folder.path, environment });
  said.push(run.stdout, run.stderr);
  return run;
}

/** The private key that an edge gets for the only certificate. */
async function keyOfEdge(): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${edgeKey}` };
  const response = await fetch(`${controlUrl}/v1/edge/bundle/accounts/acme`, { headers });
  const { mtlsCertificates } = (await response.json()) as { mtlsCertificates: { privateKey?: string }[] };
  return mtlsCertificates[0]?.privateKey;
}

/** Paths of certificate and key as flags; both files are outside of the state directory. */
function saveIdentity(name: string, certificate: string, key: string): string[] {
  const [cert, keyFile] = [join(folder.path, `${name}.pem`), join(folder.path, `${name}.key`)];
  writeFileSync(cert, certificate);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return ["--cert", cert, "--key", keyFile];
}

function upload(identity: IssuedCertificate, otherwise: object = {}) {
  return {
    name: "partner",
    certificate: identity.certificatePem,
    privateKey: identity.keyPem,
    environmentTypes: ["production"],
    ...otherwise,
  };
}

function encrypted(pem: string): string {
  const key = createPrivateKey(pem);
  return key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" }).toString();
}

/** The lines of base64 of its PEM forms, and its bytes: the secret number of the key in each way to write it. */
function tracesOf(pem: string): Buffer[] {
  const key: KeyObject = createPrivateKey(pem);
  const forms = [pem, ...(["pkcs8", "sec1"] as const).map((type) => key.export({ type, format: "pem" }).toString())];
  const lines = forms.flatMap((form) => form.split("\n").filter((line) => line.length > 20 && !line.startsWith("---")));
  const secret = Buffer.from(key.export({ format: "jwk" }).d ?? "", "base64url");
  expect(secret.length).toBe(32);
  const spellings = (["hex", "base64", "base64url"] as const).map((encoding) => secret.toString(encoding));
  return [secret, ...[...lines, ...spellings].map((text) => Buffer.from(text))];
}

interface Haystack {
  name: string;
  bytes: Buffer;
}

/** Every file below the state directory, and everything that was said so far. */
function gather(): Haystack[] {
  const files = readdirSync(stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const found = files.map((entry) => join(entry.parentPath, entry.name));
  const spoken = [...said, control.output.stdout, control.output.stderr];
  return [
    ...found.map((path) => ({ name: path, bytes: readFileSync(path) })),
    ...spoken.map((text) => ({ name: text.slice(0, 200), bytes: Buffer.from(text) })),
  ];
}

function expectNowhere(traces: readonly Buffer[]): void {
  const haystacks = gather();
  const places = haystacks.filter(({ bytes }) => traces.some((trace) => bytes.includes(trace)));
  expect(places.map(({ name }) => name)).toEqual([]);
}

it("an edge gets the private key that was uploaded, and the search below would find it", async () => {
  const files = saveIdentity("first", first.certificatePem, first.keyPem);
  const types = ["--environment-type", "production"];
  const created = await sallyport("mtls-certificate", "create", "--name", "partner", ...files, ...types, "-o", "json");
  expect(created).toMatchObject({ code: 0, stderr: "" });
  const document = Buffer.from((await keyOfEdge()) ?? "");
  expect(tracesOf(first.keyPem).some((trace) => document.includes(trace))).toBe(true);
  // The database is among what is searched: what is public is found in it
  const [line = ""] = first.certificatePem.split("\n").slice(1);
  const inFiles = gather().filter(({ name, bytes }) => name.startsWith(stateDir) && bytes.includes(line));
  expect(inFiles.map(({ name }) => name)).toContainEqual(expect.stringMatching(/\.sqlite/));
});

it("no private key is in an answer, a log or a file of the state directory, whatever goes wrong", async () => {
  const third = await authority.issue({ subject: "CN=third" });
  const command = ["mtls-certificate", "create", "--environment-type", "production", "-o", "json", "--name"];
  const wrong = await sallyport(...command, "wrong", ...saveIdentity("wrong", second.certificatePem, third.keyPem));
  expect(JSON.parse(wrong.stdout)).toMatchObject({ code: "private_key_mismatch" });
  const locked = saveIdentity("locked", second.certificatePem, encrypted(second.keyPem));
  expect(JSON.parse((await sallyport(...command, "locked", ...locked)).stdout)).toMatchObject({
    code: "private_key_encrypted",
  });
  const again = await sallyport(...command, "again", ...saveIdentity("again", first.certificatePem, first.keyPem));
  expect(JSON.parse(again.stdout)).toMatchObject({ code: "mtls_certificate_exists" });

  const { keyPem } = second;
  const mistakes: [object | string, string][] = [
    [upload(second, { privateKey: third.keyPem }), "private_key_mismatch"],
    [upload(second, { privateKey: encrypted(keyPem) }), "private_key_encrypted"],
    [upload(second, { privateKey: keyPem.slice(0, 150) }), "private_key_unreadable"],
    [upload(second, { privateKey: keyPem.replace("PRIVATE KEY", keyPem.slice(30, 60)) }), "private_key_unreadable"],
    [upload(second), "name_taken"],
    [upload(second, { name: keyPem }), "name_not_identifier"],
    [upload(second, { certificate: second.certificatePem + keyPem }), "private_key_in_file"],
    [upload(second, { environmentTypes: [keyPem] }), "invalid_request"],
    [upload(second, { key: keyPem }), "invalid_request"],
    [upload(second, { [keyPem]: "" }), "invalid_request"],
    [JSON.stringify(upload(second)).slice(0, -1), "invalid_json"],
  ];
  for (const [body, code] of mistakes) {
    const answer = await send("POST", CERTIFICATES, body);
    expect([answer.status >= 400, answer.text]).toEqual([true, expect.stringContaining(`"code":"${code}"`)]);
  }
  expect((await send("POST", `${CERTIFICATES}?key=${encodeURIComponent(keyPem)}`, upload(second))).status).toBe(409);

  const listed = await sallyport("mtls-certificate", "list", "-o", "json");
  const { id = "" } = (JSON.parse(listed.stdout) as { data: { id: string }[] }).data[0] ?? {};
  const rotate = saveIdentity("second", second.certificatePem, keyPem);
  expect(await sallyport("mtls-certificate", "update", "--cert-id", id, ...rotate)).toMatchObject({ code: 0 });
  expect(await sallyport("mtls-certificate", "describe", "--cert-id", id)).toMatchObject({ code: 0 });
  expect((await send("GET", "/v1/audit-log")).text).toContain("mtls-certificate.update");
  expectNowhere([first, second, third].flatMap((identity) => tracesOf(identity.keyPem)));
  expect(await keyOfEdge()).toBe(keyPem);
});

it("the master key is changed: start with both, rewrap, start with the new one alone", async () => {
  await stopControl();
  await startControl({ SALLYPORT_MASTER_KEY: newMasterKey });
  expect(await keyOfEdge()).toBeUndefined();
  const tooEarly = await sallyport("master-key", "rewrap");
  expect(tooEarly).toMatchObject({ code: 1, stdout: "" });
  expect(tooEarly.stderr).toMatch(/^sallyport: error: "SALLYPORT_PREVIOUS_MASTER_KEY" is not set .*: 1\n/);
  expect(tooEarly.stderr).toMatch(/^sallyport: hint: .*the master key before the present one/m);

  await stopControl();
  await startControl({ SALLYPORT_MASTER_KEY: newMasterKey, SALLYPORT_PREVIOUS_MASTER_KEY: oldMasterKey });
  expect(await keyOfEdge()).toBe(second.keyPem);
  const rewrapped = await sallyport("master-key", "rewrap", "-o", "json");
  expect(JSON.parse(rewrapped.stdout)).toMatchObject({ rewrapped: 1, remaining: 0, unreadable: [] });

  await stopControl();
  await startControl({ SALLYPORT_MASTER_KEY: newMasterKey });
  expect(await keyOfEdge()).toBe(second.keyPem);
  expect(await sallyport("master-key", "rewrap")).toMatchObject({ code: 0 });
  await stopControl();
  const masterKeys = [oldMasterKey, newMasterKey].flatMap((key) => [Buffer.from(key), Buffer.from(key, "base64")]);
  expectNowhere([...masterKeys, ...tracesOf(first.keyPem), ...tracesOf(second.keyPem)]);
});
