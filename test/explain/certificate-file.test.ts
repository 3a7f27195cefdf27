/** What is found in a file, and how what is no certificate is refused. */
import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { type CertificateFile, parseCertificateFile } from "../../cli/explain/client-certificate-file.ts";
import { CliError } from "../../cli/output.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { encodePem } from "../../fixtures/pki/pem.ts";

let root: CertificateAuthority;
let client: IssuedCertificate;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=root" });
  client = await root.issue({ subject: "CN=client" });
});

const parse = (content: string | Uint8Array): CertificateFile => parseCertificateFile(Buffer.from(content), "file.pem");
const subjects = ({ certificates }: CertificateFile) => certificates.map(({ x509 }) => x509.subject);

describe("a file", () => {
  it("keeps its order, and tells of a private key without keeping it", () => {
    const file = parse(`Bag attributes\n${client.keyPem}\r\n${client.certificatePem}${root.certificatePem}`);
    expect(subjects(file)).toEqual(["CN=client", "CN=root"]);
    expect(file.hasPrivateKey).toBe(true);
    expect(JSON.stringify(file)).not.toContain(client.keyPem.split("\n")[1]);
  });

  it("may hold other things, which are passed over", () => {
    const parameters = "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n";
    expect(subjects(parse(parameters + client.certificatePem))).toEqual(["CN=client"]);
  });

  it("may use OpenSSL's old label", () => {
    expect(subjects(parse(client.certificatePem.replaceAll(" CERTIFICATE", " X509 CERTIFICATE")))).toEqual([
      "CN=client",
    ]);
  });
});

const block = (label: string, content = "AAAA") => `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`;

const REFUSED: Record<string, [make: () => string | Uint8Array, message: RegExp, hint: RegExp]> = {
  "a DER certificate": [() => client.der, /is DER/, /openssl x509 -inform der -in file\.pem -out client\.pem/],
  "other DER": [() => Buffer.concat([Uint8Array.of(0x30, 0x82), randomBytes(500)]), /is DER/, /PKCS #12/],
  "a private key alone": [() => client.keyPem, /no certificate, found "PRIVATE KEY"/, /never share it/],
  "a request": [() => block("CERTIFICATE REQUEST"), /found "CERTIFICATE REQUEST"/, /this is a request/],
  "PKCS #7": [() => block("PKCS7"), /found "PKCS7"/, /-print_certs/],
  "a trusted certificate": [() => block("TRUSTED CERTIFICATE"), /found "TRUSTED/, /openssl x509 -in/],
  "a file that is cut off": [() => client.certificatePem.slice(0, 300), /has no end/, /copy the file again/],
  "a block with other characters": [() => block("CERTIFICATE", "?!"), /does not hold base64/, /copy the file again/],
  "a block that is no certificate": [
    () => block("CERTIFICATE"),
    /certificate 1 is not an X\.509/,
    /issued or exported/,
  ],
  "a certificate with bytes after it in its block, which TLS clients refuse": [
    () => encodePem(Buffer.concat([client.der, Uint8Array.of(5, 0)])),
    /certificate 1 is not an X\.509 certificate/,
    /issued or exported/,
  ],
  "a second block that is none": [
    () => client.certificatePem + block("CERTIFICATE"),
    /certificate 2 is not an X\.509 certificate, OpenSSL says ".+"/,
    /issued or exported/,
  ],
  "no text at all": [() => "", /no PEM block/, /-----BEGIN CERTIFICATE-----/],
  "random bytes": [() => randomBytes(1_000).fill(0x7f, 0, 1), /no PEM block/, /-----BEGIN CERTIFICATE-----/],
  "two megabytes": [() => "x".repeat(2_000_000), /allowed are 1048576/, /its intermediates only/],
};

describe("is refused with what to do:", () => {
  it.each(Object.entries(REFUSED))("%s", (_, [make, message, hint]) => {
    const refusal = refusalOf(make());
    expect(refusal.message).toMatch(/^"file\.pem": /);
    expect(refusal.message).toMatch(message);
    expect(refusal.hints[0]).toMatch(hint);
    expect(refusal.message + refusal.hints.join()).not.toContain("\n");
  });

  it("a broken file with a private key in it, with a warning", () => {
    expect(refusalOf(client.keyPem + client.certificatePem.slice(0, 300)).hints).toContain(
      "the file holds a private key: it belongs to the client alone, never share it",
    );
  });
});

function refusalOf(content: string | Uint8Array): CliError {
  try {
    parse(content);
  } catch (failure) {
    if (failure instanceof CliError) return failure;
    throw failure;
  }
  throw new Error("the file was accepted");
}
