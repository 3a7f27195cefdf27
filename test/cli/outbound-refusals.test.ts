/**
 * What uploads for origins refuse, from outside: each with its code, and a hint that a person can act on. What is
 * refused before anything is sent is in mtls-certificate.test.ts and ca-file.test.ts.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CertificateOptions } from "../../fixtures/pki/certificate.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Run, type Workplace } from "./sallyport.ts";

const PAST = { notBefore: new Date("2020-01-01"), notAfter: new Date("2021-01-01") };

let control: TestControlPlane;
let root: CertificateAuthority;
let intermediate: CertificateAuthority;
let client: IssuedCertificate;
let key: string;

beforeAll(async () => {
  process.env.SALLYPORT_MASTER_KEY = randomBytes(32).toString("base64");
  [control, root] = await Promise.all([startControlPlane(), createCertificateAuthority({ subject: "CN=example-ca" })]);
  intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate" });
  client = await root.issue({ subject: "CN=gateway" });
  key = await control.createAccount("acme");
});

afterAll(async () => {
  delete process.env.SALLYPORT_MASTER_KEY;
  await control[Symbol.asyncDispose]();
});

let projects = 0;

/** A directory whose environment names a project that nobody else uses. */
async function createProjectWorkplace(): Promise<Workplace> {
  projects += 1;
  const project = `shop-${projects}`;
  await control.send("POST", "/v1/accounts/acme/projects", { name: project });
  return createWorkplace({ SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: key, SALLYPORT_PROJECT: project });
}

function expectRefusal(run: Run, code: string, error: RegExp, hint: RegExp): void {
  expect([run.code, JSON.parse(run.stdout)]).toMatchObject([1, { code }]);
  const [first = "", ...hints] = run.stderr.trimEnd().split("\n");
  expect(first).toMatch(new RegExp(`^sallyport: error: .*${error.source}`));
  expect(hints).toEqual([expect.stringMatching(new RegExp(`^sallyport: hint: .*${hint.source}`))]);
  expect(run.stdout + run.stderr).not.toContain(client.keyPem.split("\n")[1]);
}

interface ClientUpload {
  certificate: string;
  privateKey: string;
  name?: string;
}

function createClient(workplace: Workplace, { certificate, privateKey, name = "aws_alb" }: ClientUpload): Promise<Run> {
  workplace.write("client.pem", certificate);
  workplace.write("client.key", privateKey);
  const files = ["--cert", "client.pem", "--key", "client.key", "--environment-type", "preview"];
  return workplace.run(["mtls-certificate", "create", "--name", name, ...files, "-o", "json"]);
}

const pairOf = ({ certificatePem, keyPem }: IssuedCertificate) => ({ certificate: certificatePem, privateKey: keyPem });

describe("mtls-certificate create", () => {
  test.concurrent.each<[string, () => Promise<ClientUpload>, string, RegExp, RegExp]>([
    [
      "a certificate that has expired",
      async () => pairOf(await root.issue({ subject: "CN=late", ...PAST })),
      "certificate_expired",
      /"CN=late" has expired: it was valid until 2021-01-01/,
      /upload the certificate that replaced it/,
    ],
    [
      "a key of RSA 1024",
      async () => pairOf(await root.issue({ subject: "CN=small", key: "rsa-1024" })),
      "key_too_small",
      /RSA 1024.*allowed is 2048/,
      /ECDSA P-256 or RSA 2048/,
    ],
    [
      "a certificate for servers only",
      async () => pairOf(await root.issueServer()),
      "not_for_client_authentication",
      /lacks clientAuth/,
      /extendedKeyUsage = clientAuth/,
    ],
    [
      "a chain out of order",
      async () => {
        const leaf = await intermediate.issue({ subject: "CN=chained" });
        return { certificate: intermediate.certificatePem + leaf.certificatePem, privateKey: leaf.keyPem };
      },
      "chain_out_of_order",
      /"CN=example-intermediate" was issued by "CN=example-ca", but "CN=chained" follows it/,
      /client certificate first/,
    ],
    [
      "the key of another certificate",
      async () => ({ ...pairOf(client), privateKey: root.keyPem }),
      "private_key_mismatch",
      /does not belong to the certificate/,
      /openssl pkey/,
    ],
    [
      "a name that is no identifier",
      async () => ({ ...pairOf(client), name: "2nd cert" }),
      "name_not_identifier",
      /"2nd cert" is not a JavaScript identifier/,
      /not beginning with a digit/,
    ],
  ])("refuses %s", async (_, prepare, code, error, hint) => {
    using workplace = await createProjectWorkplace();
    expectRefusal(await createClient(workplace, await prepare()), code, error, hint);
    expect((await workplace.run(["mtls-certificate", "list"])).stdout).toBe("no mTLS certificates\n");
  });

  test.concurrent("refuses a name that is taken, and the same certificate twice", async () => {
    using workplace = await createProjectWorkplace();
    const created = await createClient(workplace, pairOf(client));
    const { id } = JSON.parse(created.stdout) as { id: string };
    const other = await root.issue({ subject: "CN=other" });
    const taken = await createClient(workplace, pairOf(other));
    expectRefusal(taken, "name_taken", /"aws_alb" is the name of an mTLS certificate/, /update the one that is there/);
    const twice = await createClient(workplace, { ...pairOf(client), name: "again" });
    expectRefusal(twice, "mtls_certificate_exists", new RegExp(`"aws_alb" \\(${id}\\)`), /nothing to do/);
  });
});

describe("mtls-certificate update", () => {
  test.concurrent("refuses what create refuses, and leaves the certificate as it was", async () => {
    using workplace = await createProjectWorkplace();
    const { id } = JSON.parse((await createClient(workplace, pairOf(client))).stdout) as { id: string };
    const describeIt = async () => (await workplace.run(["mtls-certificate", "describe", "--cert-id", id])).stdout;
    const before = await describeIt();
    workplace.write("late.pem", (await root.issue({ subject: "CN=late", ...PAST })).certificatePem);
    const update = ["mtls-certificate", "update", "--cert-id", id, "--key", "client.key", "-o", "json", "--cert"];
    expectRefusal(await workplace.run([...update, "late.pem"]), "certificate_expired", /has expired/, /replaced it/);
    const same = await workplace.run([...update, "client.pem"]);
    expectRefusal(same, "mtls_certificate_exists", /has this certificate already/, /upload the certificate that is to/);
    expect(await describeIt()).toBe(before);
  });

  test.concurrent("and disable and delete say so when there is no such certificate", async () => {
    using workplace = await createProjectWorkplace();
    for (const verb of [["update", "--environment-type", "preview"], ["disable"], ["delete"], ["describe"]]) {
      const run = await workplace.run(["mtls-certificate", ...verb, "--cert-id", "cert_0", "-o", "json"]);
      expect([run.code, JSON.parse(run.stdout)]).toMatchObject([1, { code: "not_found" }]);
      expect(run.stderr).toMatch(
        /^sallyport: error: there is no such mTLS certificate here\nsallyport: hint: looked in/,
      );
    }
  });
});

describe("origin-ca create", () => {
  function createCa(workplace: Workplace, content: string | Uint8Array, name = "partner_ca"): Promise<Run> {
    workplace.write("ca.pem", content);
    return workplace.run(["origin-ca", "create", "--name", name, "--cert", "ca.pem", "-o", "json"]);
  }

  const rootWith = async (options: Partial<CertificateOptions>) =>
    (await createCertificateAuthority({ subject: "CN=other-ca", ...options })).certificatePem;

  test.concurrent.each<[string, () => Promise<string | Uint8Array>, string, RegExp, RegExp, string?]>([
    ["DER", async () => root.der, "certificate_is_der", /"ca.pem" is DER/, /openssl x509 -inform der/],
    ["an empty file", async () => "", "no_certificate", /holds no certificate/, /BEGIN CERTIFICATE/],
    [
      "several certificates",
      async () => root.certificatePem + (await rootWith({})),
      "several_certificates",
      /holds 2 certificates/,
      /by itself/,
    ],
    [
      "a private key, before anything is sent",
      async () => root.certificatePem + root.keyPem,
      "private_key_in_file",
      /nothing was sent/,
      /openssl x509 -in ca.pem/,
    ],
    [
      "an origin's own certificate",
      async () => (await root.issueServer()).certificatePem,
      "not_a_ca",
      /is not a CA certificate/,
      /the certificate with the subject "CN=example-ca"/,
    ],
    [
      "a self-signed certificate that is no CA's",
      async () => (await createSelfSignedCertificate({ subject: "CN=origin" })).certificatePem,
      "not_a_ca",
      /CA:TRUE/,
      /issues your origins' server certificates/,
    ],
    [
      "an intermediate",
      async () => intermediate.certificatePem,
      "not_self_signed",
      /its issuer is "CN=example-ca"/,
      /upload the root CA certificate instead/,
    ],
    ["a CA that has expired", () => rootWith(PAST), "certificate_expired", /until 2021-01-01/, /replaced it/],
    ["a CA of RSA 1024", () => rootWith({ key: "rsa-1024" }), "key_too_small", /RSA 1024/, /RSA 2048 or larger/],
    ["the dashes of a name", () => rootWith({}), "name_not_identifier", /"our-ca"/, /: our_ca$/, "our-ca"],
  ])("refuses %s", async (_, content, code, error, hint, name) => {
    using workplace = await createProjectWorkplace();
    expectRefusal(await createCa(workplace, await content(), name), code, error, hint);
    expect((await workplace.run(["origin-ca", "list"])).stdout).toBe("no CA certificates\n");
  });

  test.concurrent("refuses a name that is taken, and the same certificate twice", async () => {
    using workplace = await createProjectWorkplace();
    expect(await createCa(workplace, root.certificatePem)).toMatchObject({ code: 0 });
    const taken = await createCa(workplace, await rootWith({}));
    expectRefusal(taken, "name_taken", /"partner_ca" is the name of an origin CA/, /choose another name/);
    const twice = await createCa(workplace, root.certificatePem, "again");
    expectRefusal(twice, "origin_ca_exists", /"partner_ca" \(oca_[0-9a-f]+\) is this certificate/, /nothing to do/);
  });
});
