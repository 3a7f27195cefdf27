import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Run, type Workplace } from "./sallyport.ts";

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;
const ID = /mtlsca_[0-9a-f]{24}/;

let control: TestControlPlane;
let root: CertificateAuthority;

beforeAll(async () => {
  [control, root] = await Promise.all([
    startControlPlane(),
    createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" }),
  ]);
});

afterAll(() => control[Symbol.asyncDispose]());

let accounts = 0;

/** A directory whose environment names an account that nobody else uses. */
async function createAccountWorkplace(): Promise<Workplace & { account: string; key: string }> {
  accounts += 1;
  const account = `acme-${accounts}`;
  const key = await control.createAccount(account);
  const environment = { SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: key };
  return { ...createWorkplace(environment), account, key };
}

async function createCa(workplace: Workplace, name: string, ca: { certificatePem: string } = root): Promise<string> {
  const cert = workplace.write(`${name}.pem`, ca.certificatePem);
  const run = await workplace.run(["ca-certificate", "create", "--name", name, "--cert", cert, "-o", "json"]);
  expect(run.code, run.stderr).toBe(0);
  return (JSON.parse(run.stdout) as { id: string }).id;
}

test.concurrent("the CA part of the seed can be followed line by line", async () => {
  using workplace = await createAccountWorkplace();
  const { account, run } = workplace;
  workplace.write("ca.pem", root.certificatePem);
  const target = ["--account", account];

  const created = await run(["ca-certificate", "create", "--name", "my_ca", "--cert", "./ca.pem", ...target]);
  expect(created).toMatchObject({ code: 0, stderr: "" });
  expect(created.stdout).toMatch(/^CA certificate "my_ca" created: mtlsca_[0-9a-f]{24}\n/);
  const id = ID.exec(created.stdout)?.[0] ?? "";

  const listed = await run(["ca-certificate", "list", ...target]);
  expect(listed).toMatchObject({ code: 0, stderr: "" });
  expect(listed.stdout).toMatch(/^ID +NAME +SUBJECT +EXPIRES +DAYS LEFT\n/);
  expect(listed.stdout).toMatch(
    new RegExp(`\\n${id}  my_ca  CN=example-ca,O=Example,C=US  \\d{4}-\\d\\d-\\d\\d +29\\n$`),
  );

  const described = await run(["ca-certificate", "describe", "--cert-id", id, ...target]);
  expect(described).toMatchObject({ code: 0, stderr: "" });
  expect(described.stdout).toMatch(/^subject +CN=example-ca,O=Example,C=US$/m);
  expect(described.stdout).toContain(root.certificatePem);

  const renamed = await run(["ca-certificate", "update", "--cert-id", id, "--name", "renamed_ca", ...target]);
  expect(renamed).toEqual({ code: 0, stdout: `CA certificate ${id} is named "renamed_ca" now\n`, stderr: "" });

  const deleted = await run(["ca-certificate", "delete", "--cert-id", id, ...target]);
  expect(deleted).toMatchObject({ code: 0, stderr: "" });
  expect(deleted.stdout).toContain(`${id} deleted`);
  expect((await run(["ca-certificate", "list"])).stdout).toBe("no CA certificates\n");
});

test.concurrent("-o json prints the JSON of the API and nothing else", async () => {
  using workplace = await createAccountWorkplace();
  const { account, run } = workplace;
  const id = await createCa(workplace, "my_ca");
  const path = `/v1/accounts/${account}/ca-certificates`;

  const listed = await run(["ca-certificate", "list", "-o", "json"]);
  const fromApi = await control.send<{ data: object[] }>("GET", path);
  expect(JSON.parse(listed.stdout)).toEqual({ data: fromApi.data, offset: 0, limit: 1 });

  const described = await run(["ca-certificate", "describe", "--cert-id", id, "--output", "json"]);
  expect(JSON.parse(described.stdout)).toEqual(await control.send("GET", `${path}/${id}`));

  const renamed = await run(["ca-certificate", "update", "--cert-id", id, "--name", "other", "-o", "json"]);
  expect(JSON.parse(renamed.stdout)).toMatchObject({ id, name: "other" });

  const deleted = await run(["ca-certificate", "delete", "--cert-id", id, "-o", "json"]);
  expect(JSON.parse(deleted.stdout)).toEqual({ id, deleted: true });
  const again = await run(["ca-certificate", "delete", "--cert-id", id, "-o", "json"]);
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toMatchObject({ status: 404, code: "not_found" });
  expect(again.stderr).toMatch(/^sallyport: error: there is no such CA certificate here$/m);
  expect(again.stderr).toContain(`sallyport: hint: looked in account "${account}" (from the API key)`);
});

test.concurrent("a list is read to its end, or as far as it is asked for", async () => {
  using workplace = await createAccountWorkplace();
  const { account, run } = workplace;
  const names = Array.from({ length: 3 }, (_, index) => `ca_${index}`);
  for (const name of names) {
    const { certificatePem: certificate } = await createCertificateAuthority({ subject: `CN=${name}` });
    await control.send("POST", `/v1/accounts/${account}/ca-certificates`, { name, certificate });
  }
  const namesOf = ({ stdout }: Run) =>
    (JSON.parse(stdout) as { data: { name: string }[] }).data.map(({ name }) => name);
  expect(namesOf(await run(["ca-certificate", "list", "-o", "json"]))).toEqual(names);
  const part = await run(["ca-certificate", "list", "-o", "json", "--offset", "1", "--limit", "1"]);
  expect(namesOf(part)).toEqual(["ca_1"]);
  expect(JSON.parse(part.stdout)).toMatchObject({ offset: 1, limit: 1 });
});

test.concurrent("a rotation keeps the subject, and is warned about on standard error only", async () => {
  using workplace = await createAccountWorkplace();
  await createCa(workplace, "my_ca");
  const next = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  const cert = workplace.write("next.pem", next.certificatePem);
  const run = await workplace.run(["ca-certificate", "create", "--name", "my_ca_2", "--cert", cert]);
  expect(run.code).toBe(0);
  expect(run.stdout).not.toContain("warning");
  expect(run.stderr).toMatch(/^sallyport: warning: "CN=example-ca,O=Example,C=US" is the subject of "my_ca" too/);
});

test.concurrent("days left are coloured only where colours are wanted", async () => {
  using workplace = await createAccountWorkplace();
  await createCa(workplace, "my_ca");
  const list = (environment: Record<string, string>) => workplace.run(["ca-certificate", "list"], { environment });
  expect((await list({ FORCE_COLOR: "1" })).stdout).toContain("\u001B[33m29\u001B[39m");
  expect((await list({})).stdout).not.toContain("\u001B");
  expect((await list({ NO_COLOR: "1" })).stdout).not.toContain("\u001B");
});

describe("refused by the control plane", () => {
  async function refuse(pem: string, name = "my_ca", before?: { name: string; certificatePem: string }): Promise<Run> {
    using workplace = await createAccountWorkplace();
    if (before !== undefined) await createCa(workplace, before.name, before);
    workplace.write("ca.pem", pem);
    const run = await workplace.run(["ca-certificate", "create", "--name", name, "--cert", "ca.pem", "-o", "json"]);
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).not.toContain(workplace.key);
    return run;
  }

  function expectRefusal({ stdout, stderr }: Run, code: string, error: RegExp, hint: RegExp): void {
    expect(JSON.parse(stdout)).toMatchObject({ code, type: expect.stringMatching(/^https:\/\/httpproblems\.com/) });
    expect(stderr).toMatch(new RegExp(`^sallyport: error: .*${error.source}`, "m"));
    expect(stderr).toMatch(new RegExp(`^sallyport: hint: .*${hint.source}`, "m"));
  }

  test.concurrent("not a CA", async () => {
    const leaf = await createSelfSignedCertificate({ subject: "CN=client" });
    expectRefusal(
      await refuse(leaf.certificatePem),
      "not_a_ca",
      /"CN=client" is not a CA certificate/,
      /upload the root/,
    );
  });

  test.concurrent("not self-signed: it says which certificate to upload instead", async () => {
    const intermediate = await root.issueIntermediate({ subject: "CN=middle" });
    const hint = /upload the root CA certificate instead.*"CN=example-ca,O=Example,C=US"/;
    expectRefusal(await refuse(intermediate.certificatePem), "not_self_signed", /"CN=middle" is not self-signed/, hint);
  });

  test.concurrent("expired", async () => {
    const expired = await createCertificateAuthority({
      subject: "CN=old",
      notBefore: new Date(Date.now() - 3 * DAY_MILLISECONDS),
      notAfter: new Date(Date.now() - DAY_MILLISECONDS),
    });
    expectRefusal(await refuse(expired.certificatePem), "certificate_expired", /"CN=old"/, /./);
  });

  test.concurrent("a key under RSA 2048", async () => {
    const weak = await createCertificateAuthority({ subject: "CN=weak", key: "rsa-1024" });
    expectRefusal(await refuse(weak.certificatePem), "key_too_small", /"CN=weak"/, /./);
  });

  test.concurrent("a name that is not a JavaScript identifier", async () => {
    const run = await refuse(root.certificatePem, "1st-ca");
    expectRefusal(run, "name_not_identifier", /"1st-ca" is not a JavaScript identifier/, /letters, digits, _ and \$/);
  });

  test.concurrent("a name that is taken", async () => {
    const other = await createCertificateAuthority({ subject: "CN=other" });
    const before = { name: "my_ca", certificatePem: other.certificatePem };
    expectRefusal(await refuse(root.certificatePem, "my_ca", before), "name_taken", /"my_ca"/, /choose another name/);
  });

  test.concurrent("the same certificate twice", async () => {
    const before = { name: "first", certificatePem: root.certificatePem };
    const error = /"first" \(mtlsca_[0-9a-f]{24}\) is this certificate already/;
    expectRefusal(await refuse(root.certificatePem, "second", before), "ca_certificate_exists", error, /nothing to do/);
  });

  test.concurrent("all mistakes of one request are told at once", async () => {
    const leaf = await createSelfSignedCertificate({ subject: "CN=client" });
    const { stderr } = await refuse(leaf.certificatePem, "1st");
    expect(stderr).toMatch(/error: "1st" is not a JavaScript identifier.*; "CN=client" is not a CA certificate/);
    expect(stderr.match(/^sallyport: hint: /gm)).toHaveLength(2);
  });

  test.concurrent("another account's certificate is not there", async () => {
    using owner = await createAccountWorkplace();
    using stranger = await createAccountWorkplace();
    const id = await createCa(owner, "my_ca");
    for (const verb of [["describe"], ["update", "--name", "stolen"], ["delete"]]) {
      const [name = "", ...rest] = verb;
      const run = await stranger.run(["ca-certificate", name, "--cert-id", id, ...rest]);
      expect(run).toMatchObject({ code: 1, stdout: "" });
      expect(run.stderr).toContain("sallyport: error: there is no such CA certificate here\n");
    }
    const foreign = await stranger.run(["ca-certificate", "list", "--account", owner.account]);
    expect(foreign.stderr).toContain("sallyport: error: there is no such account here\n");
    expect(foreign.stderr).toContain(`looked in account "${owner.account}" (from --account or SALLYPORT_ACCOUNT)`);
  });

  test.concurrent("an id is one segment of a path, whatever is in it", async () => {
    using workplace = await createAccountWorkplace();
    const describe = (id: string) => workplace.run(["ca-certificate", "describe", "--cert-id", id]);
    expect((await describe("..")).stderr).toBe('sallyport: error: ".." is not a name\n');
    expect((await describe("../../../who-am-i")).stderr).toContain("there is no such CA certificate here");
  });
});
