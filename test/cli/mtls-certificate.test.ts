import { createPrivateKey, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Run, type Workplace } from "./sallyport.ts";

let control: TestControlPlane;
let root: CertificateAuthority;
let client: IssuedCertificate;

beforeAll(async () => {
  process.env.SALLYPORT_MASTER_KEY = randomBytes(32).toString("base64");
  [control, root] = await Promise.all([
    startControlPlane(),
    createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" }),
  ]);
  client = await root.issue({ subject: "CN=gateway,O=Example,C=US" });
});

afterAll(async () => {
  delete process.env.SALLYPORT_MASTER_KEY;
  await control[Symbol.asyncDispose]();
});

let accounts = 0;

/** A directory with a client certificate and its key, whose environment names a project that nobody else uses. */
async function createProjectWorkplace(): Promise<Workplace & { account: string; path: string; base: string }> {
  accounts += 1;
  const account = `mtls-${accounts}`;
  const environment = {
    SALLYPORT_API_URL: control.url,
    SALLYPORT_API_KEY: await control.createAccount(account, "shop"),
    SALLYPORT_PROJECT: "shop",
  };
  const workplace = createWorkplace(environment);
  workplace.write("client-cert.pem", client.certificatePem);
  workplace.write("client-key.pem", client.keyPem);
  return { ...workplace, account, base: `/v1/accounts/${account}/projects/shop` };
}

const FILES = ["--cert", "client-cert.pem", "--key", "client-key.pem"];
const CREATE = ["mtls-certificate", "create", "--name", "aws_alb_cert", ...FILES];
const DEVELOPMENT = ["--environment-type", "development"];

async function createCertificate(workplace: Workplace): Promise<string> {
  const run = await workplace.run([...CREATE, ...DEVELOPMENT, "-o", "json"]);
  expect(run.code, run.stderr).toBe(0);
  return (JSON.parse(run.stdout) as { id: string }).id;
}

test.concurrent("the upload of the seed can be followed line by line", async () => {
  using workplace = await createProjectWorkplace();
  const { account, run } = workplace;
  const target = ["--account", account, "--project", "shop"];
  const environments = ["development", "preview", "production"].flatMap((type) => ["--environment-type", type]);

  const created = await run([...CREATE, ...target, ...environments]);
  expect(created).toMatchObject({ code: 0, stderr: "" });
  expect(created.stdout).toMatch(/^mTLS certificate "aws_alb_cert" created: cert_[0-9a-f]{24}\n/);
  expect(created.stdout).toContain("environments  development, preview, production\n");
  const id = /cert_[0-9a-f]{24}/.exec(created.stdout)?.[0] ?? "";

  const listed = await run(["mtls-certificate", "list", ...target]);
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toMatch(/^ID +NAME +SUBJECT +ENVIRONMENTS +EXPIRES +DAYS LEFT\n/);
  expect(listed.stdout).toMatch(
    new RegExp(`\\n${id}  aws_alb_cert  CN=gateway,O=Example,C=US  development, preview, production  .* 29\\n$`),
  );

  const described = await run(["mtls-certificate", "describe", "--cert-id", id, ...target]);
  expect(described.stdout).toContain(client.certificatePem);
  expect(described.stdout).not.toContain("PRIVATE KEY");
});

test.concurrent("a certificate is rotated under its id and name, switched between environments, disabled, deleted", async () => {
  using workplace = await createProjectWorkplace();
  const { base, run } = workplace;
  const id = await createCertificate(workplace);
  const one = ["--cert-id", id];
  const next = await root.issue({ subject: "CN=gateway-2" });
  workplace.write("both.pem", next.certificatePem + next.keyPem);

  const rotated = await run(["mtls-certificate", "update", ...one, "--cert", "both.pem", "--key", "both.pem"]);
  expect(rotated).toMatchObject({ code: 0, stderr: "" });
  expect(rotated.stdout).toMatch(/^mTLS certificate "aws_alb_cert" updated: cert_/);
  const fromApi = await control.send("GET", `${base}/mtls-certificates/${id}`);
  expect(fromApi).toMatchObject({
    id,
    name: "aws_alb_cert",
    subject: "CN=gateway-2",
    certificate: next.certificatePem,
  });

  const disabled = await run(["mtls-certificate", "disable", ...one]);
  expect(disabled.stdout).toBe(`mTLS certificate "aws_alb_cert" (${id}) disabled: nobody presents it now\n`);
  expect(disabled.stderr).toContain(
    `hint: it is disabled; enable it again: sallyport mtls-certificate update --cert-id ${id}`,
  );
  expect((await run(["mtls-certificate", "list"])).stdout).toContain("none, disabled");

  const enabled = await run(["mtls-certificate", "update", ...one, "--environment-type", "preview", "-o", "json"]);
  expect(JSON.parse(enabled.stdout)).toMatchObject({ id, environmentTypes: ["preview"], isDisabled: false });

  const registration = { environmentType: "preview", buildId: "b", mtlsCertificateNames: ["aws_alb_cert"] };
  await control.send("PUT", `${base}/deployments/staging`, registration);
  const refused = await run(["mtls-certificate", "delete", ...one, "-o", "json"]);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ status: 409, code: "mtls_certificate_in_use" });
  expect(refused.stderr).toMatch(
    /^sallyport: error: "aws_alb_cert" is used by the deployments "staging" of this project\n/,
  );
  expect(refused.stderr).toMatch(/^sallyport: hint: take the name out of the project and deploy it, or .*disabling/m);
  await control.send("PUT", `${base}/deployments/staging`, { ...registration, mtlsCertificateNames: [] });
  const deleted = await run(["mtls-certificate", "delete", ...one, "-o", "json"]);
  expect(JSON.parse(deleted.stdout)).toEqual({ id, deleted: true });
  expect((await run(["mtls-certificate", "list"])).stdout).toBe("no mTLS certificates\n");
});

describe("refused before anything is sent", () => {
  /** Nothing listens there: an attempt to send would be another error. */
  const nowhere = {
    SALLYPORT_API_URL: "http://127.0.0.1:1",
    SALLYPORT_API_KEY: "spk_a_b",
    SALLYPORT_ACCOUNT: "acme",
    SALLYPORT_PROJECT: "shop",
  };

  async function create(files: { cert?: string | Uint8Array; key?: string | Uint8Array }): Promise<Run> {
    using workplace = createWorkplace(nowhere);
    workplace.write("client-cert.pem", files.cert ?? client.certificatePem);
    workplace.write("client-key.pem", files.key ?? client.keyPem);
    return await workplace.run([...CREATE, ...DEVELOPMENT, "-o", "json"]);
  }

  const keyDer = () => createPrivateKey(client.keyPem).export({ type: "pkcs8", format: "der" });
  const encrypted = () =>
    createPrivateKey(client.keyPem)
      .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" })
      .toString();

  test.concurrent.each<[string, () => Parameters<typeof create>[0], string, RegExp]>([
    ["a certificate as DER", () => ({ cert: client.der }), "certificate_is_der", /openssl x509 -inform der/],
    ["a key as DER", () => ({ key: keyDer() }), "private_key_is_der", /openssl pkey -inform der/],
    ["an encrypted key", () => ({ key: encrypted() }), "private_key_encrypted", /openssl pkey -in client-key.pem/],
    [
      "the two files exchanged",
      () => ({ cert: client.keyPem }),
      "no_certificate",
      /--cert, its private key with --key/,
    ],
    ["a certificate for a key", () => ({ key: client.certificatePem }), "no_private_key", /private key with --key/],
    ["two keys", () => ({ key: client.keyPem + root.keyPem }), "several_private_keys", /alone/],
    ["an empty file", () => ({ key: "" }), "no_private_key", /-----BEGIN PRIVATE KEY-----/],
    ["a key that is cut off", () => ({ key: client.keyPem.slice(0, 90) }), "private_key_unreadable", /PEM/],
  ])("%s", async (_, files, code, hint) => {
    const run = await create(files());
    expect([run.code, JSON.parse(run.stdout)]).toMatchObject([1, { code }]);
    expect(run.stderr).toMatch(new RegExp(`sallyport: hint: .*${hint.source}`));
    for (const line of client.keyPem.split("\n").slice(1, -2)) expect(run.stdout + run.stderr).not.toContain(line);
  });

  test.concurrent("no environment type, one that does not exist, and half of a pair", async () => {
    using workplace = createWorkplace(nowhere);
    const none = await workplace.run([...CREATE, "-o", "json"]);
    expect([none.code, JSON.parse(none.stdout)]).toMatchObject([1, { code: "environment_type_missing" }]);
    const unknown = await workplace.run([...CREATE, "--environment-type", "staging"]);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("Allowed choices are development, preview, production");
    const update = ["mtls-certificate", "update", "--cert-id", "cert_1"];
    const half = await workplace.run([...update, "--cert", "x.pem"]);
    expect(half.stderr).toMatch(/^sallyport: error: --key is missing/);
    expect((await workplace.run(update)).stderr).toMatch(/^sallyport: error: nothing is to be changed/);
  });
});

test.concurrent("the seed's own name with dashes is refused with the one that would do", async () => {
  using workplace = await createProjectWorkplace();
  const command = ["mtls-certificate", "create", "--name", "aws-alb-cert", ...FILES, ...DEVELOPMENT];
  const run = await workplace.run(command);
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toMatch(/^sallyport: error: "aws-alb-cert" is not a JavaScript identifier/);
  expect(run.stderr).toMatch(/^sallyport: hint: .*: aws_alb_cert$/m);
});

test.concurrent("a key of another certificate is refused by the control plane", async () => {
  using workplace = await createProjectWorkplace();
  workplace.write("client-key.pem", root.keyPem);
  const run = await workplace.run([...CREATE, ...DEVELOPMENT, "-o", "json"]);
  expect(JSON.parse(run.stdout)).toMatchObject({ status: 400, code: "private_key_mismatch" });
  expect(run.stdout + run.stderr).not.toContain(root.keyPem.split("\n")[1]);
});

test.concurrent("CAs of origins are created, listed, described and deleted", async () => {
  using workplace = await createProjectWorkplace();
  const { run } = workplace;
  workplace.write("ca.pem", root.certificatePem);
  const created = await run(["origin-ca", "create", "--name", "corporate_ca", "--cert", "ca.pem"]);
  expect(created).toMatchObject({ code: 0, stderr: "" });
  const id = /oca_[0-9a-f]{24}/.exec(created.stdout)?.[0] ?? "";
  expect((await run(["origin-ca", "list"])).stdout).toMatch(new RegExp(`\\n${id}  corporate_ca  CN=example-ca`));
  expect((await run(["origin-ca", "describe", "--cert-id", id])).stdout).toContain(root.certificatePem);
  workplace.write("leaf.pem", client.certificatePem);
  const leaf = await run(["origin-ca", "create", "--name", "leaf", "--cert", "leaf.pem", "-o", "json"]);
  expect(JSON.parse(leaf.stdout)).toMatchObject({ code: "not_a_ca" });
  expect((await run(["origin-ca", "delete", "--cert-id", id])).stdout).toContain(`${id} deleted`);
  const list = await run(["origin-ca", "list"]);
  expect(list).toMatchObject({ stdout: "no CA certificates\n", stderr: expect.stringContaining("origin-ca create") });
});
