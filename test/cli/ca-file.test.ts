/** What `ca-certificate create` refuses before anything is sent. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { createWorkplace, type Run } from "./sallyport.ts";

let root: CertificateAuthority;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
});

/** Nothing listens there: an attempt to send would be another error. */
const nowhere = { SALLYPORT_API_URL: "http://127.0.0.1:1", SALLYPORT_API_KEY: "spk_a_b", SALLYPORT_ACCOUNT: "acme" };

async function create(content: string | Uint8Array): Promise<Run & { path: string }> {
  using workplace = createWorkplace(nowhere);
  workplace.write("ca.pem", content);
  const run = await workplace.run(["ca-certificate", "create", "--name", "my_ca", "--cert", "ca.pem", "-o", "json"]);
  return { ...run, path: workplace.path };
}

const cases: [title: string, content: () => string | Uint8Array, code: string, error: string, hint: RegExp][] = [
  [
    "a private key",
    () => root.keyPem,
    "private_key_in_file",
    '"ca.pem" holds a private key; nothing was sent, only the CA certificate is wanted',
    /openssl x509 -in ca.pem/,
  ],
  [
    "a private key beside the certificate",
    () => root.certificatePem + root.keyPem,
    "private_key_in_file",
    '"ca.pem" holds a private key; nothing was sent, only the CA certificate is wanted',
    /openssl x509 -in ca.pem/,
  ],
  [
    "a private key that is cut off",
    () => `${root.certificatePem}-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE`,
    "private_key_in_file",
    '"ca.pem" holds a private key; nothing was sent, only the CA certificate is wanted',
    /openssl x509/,
  ],
  ["DER", () => root.der, "certificate_is_der", '"ca.pem" is DER, allowed is PEM', /-inform der -in ca.pem/],
  [
    "base64 without PEM lines",
    () => root.der.toString("base64"),
    "certificate_is_der",
    '"ca.pem" is base64 without PEM lines, allowed is PEM',
    /-inform der/,
  ],
  [
    "an empty file",
    () => "",
    "no_certificate",
    '"ca.pem" holds no certificate, found is no PEM block',
    /-----BEGIN CERTIFICATE-----/,
  ],
  [
    "a public key",
    () => root.certificatePem.replaceAll("CERTIFICATE", "PUBLIC KEY"),
    "no_certificate",
    '"ca.pem" holds no certificate, found: PUBLIC KEY',
    /give the file as PEM/,
  ],
  [
    "two certificates",
    () => root.certificatePem + root.certificatePem,
    "several_certificates",
    '"ca.pem" holds 2 certificates, allowed is one',
    /each root CA certificate by itself/,
  ],
  [
    "a certificate that is cut off",
    () => root.certificatePem.slice(0, 200),
    "certificate_unreadable",
    '"ca.pem" is not PEM: "CERTIFICATE": the block that begins in line 1 has no end',
    /give the file as PEM/,
  ],
];

test.concurrent.each(cases)("%s", async (_, content, code, error, hint) => {
  const run = await create(content());
  expect(run.code).toBe(1);
  expect(run.stderr.split("\n")[0]).toBe(`sallyport: error: ${error}`);
  expect(run.stderr).toMatch(new RegExp(`sallyport: hint: .*${hint.source}`));
  expect(JSON.parse(run.stdout)).toMatchObject({ code });
});

test.concurrent("a file that does not exist, and one that is a directory", async () => {
  using workplace = createWorkplace(nowhere);
  mkdirSync(join(workplace.path, "ca"));
  const create = (cert: string) => workplace.run(["ca-certificate", "create", "--name", "my_ca", "--cert", cert]);
  const hint = "sallyport: hint: give the path of the CA certificate: --cert ./ca.pem\n";
  expect(await create("./no.pem")).toEqual({
    code: 1,
    stdout: "",
    stderr: `sallyport: error: "./no.pem" does not exist\n${hint}`,
  });
  expect((await create("ca")).stderr).toBe(`sallyport: error: "ca" is a directory\n${hint}`);
});
