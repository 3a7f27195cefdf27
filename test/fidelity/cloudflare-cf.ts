/**
 * `request.cf.tlsClientAuth` as Cloudflare documents it (developers.cloudflare.com, "Request", incomingRequestCfProperties, and "Client
 * certificate variables"). Made with openssl's command line and nothing of ours, so that a mistake in our own description cannot
 * agree with itself; and with the spellings that Cloudflare's BoringSSL and documents have and ours do not.
 */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Identity } from "./identities.ts";
import { chainOf } from "./presented-chain.ts";

const run = promisify(execFile);

const LEAF_MAX_CHARACTERS = 10 * 1024;
const CHAIN_MAX_CHARACTERS = 16 * 1024;
const WITHOUT_CERTIFICATE = { certPresented: "0", certRevoked: "0", certVerified: "NONE" };

/** BoringSSL's words for what OpenSSL 3 says in others. */
const BORINGSSL_WORDS: Readonly<Record<string, string>> = {
  "self-signed certificate": "self signed certificate",
  "self-signed certificate in certificate chain": "self signed certificate in certificate chain",
  "unsuitable certificate purpose": "unsupported certificate purpose",
};

/**
 * @param folder for files that openssl reads
 * @param roots PEM of every CA certificate that was uploaded
 */
export async function describeForCloudflare(identity: Identity, folder: string, roots: string): Promise<object> {
  if (identity.certificate === undefined) return WITHOUT_CERTIFICATE;
  const [leaf, ...chain] = chainOf(identity.certificate.chainPem);
  const path = (name: string) => join(folder, `cloudflare-${name}.pem`);
  await writeFile(path("roots"), roots);
  await writeFile(path("chain"), identity.certificate.chainPem);
  await writeFile(path("leaf"), identity.certificate.certificatePem);
  const certRFC9440 = limit(encode(leaf as Buffer), LEAF_MAX_CHARACTERS);
  const certChainRFC9440 = limit(chain.map(encode).join(", "), CHAIN_MAX_CHARACTERS);
  return {
    certPresented: "1",
    certRevoked: identity.isRevoked ? "1" : "0",
    certVerified: await verify(path),
    ...(await describeNames(path("leaf"))),
    certRFC9440: certRFC9440 ?? "",
    certRFC9440TooLarge: certRFC9440 === undefined,
    certChainRFC9440: certChainRFC9440 ?? "",
    certChainRFC9440TooLarge: certChainRFC9440 === undefined,
  };
}

async function verify(path: (name: string) => string): Promise<string> {
  const files = ["-CAfile", path("roots"), "-untrusted", path("chain"), path("leaf")];
  const output = await run("openssl", ["verify", "-no-CApath", "-no-CAstore", "-purpose", "sslclient", ...files]).catch(
    (failure: { stdout: string; stderr: string }) => failure,
  );
  if (!(output instanceof Error)) return "SUCCESS";
  const reason = /^error \d+ at \d+ depth lookup: (.+)$/m.exec(output.stderr)?.[1] ?? "";
  return `FAILED:${BORINGSSL_WORDS[reason] ?? reason}`;
}

async function describeNames(leaf: string) {
  const ask = async (...flags: string[]) => (await run("openssl", ["x509", "-in", leaf, "-noout", ...flags])).stdout;
  const value = (text: string, name: string) => new RegExp(`^${name} *= ?(.*)$`, "im").exec(text)?.[1] ?? "";
  const rfc2253 = await ask("-subject", "-issuer", "-nameopt", "RFC2253");
  const spaced = await ask("-subject", "-issuer", "-nameopt", "oneline");
  const other = await ask("-serial", "-dates", "-fingerprint", "-sha256");
  const keyIdentifier = /([0-9A-F]{2}(?::[0-9A-F]{2})+)/.exec(await ask("-ext", "subjectKeyIdentifier"))?.[1] ?? "";
  return {
    certSubjectDN: value(spaced, "subject"),
    certIssuerDN: value(spaced, "issuer"),
    certSubjectDNRFC2253: value(rfc2253, "subject"),
    certIssuerDNRFC2253: value(rfc2253, "issuer"),
    certSubjectDNLegacy: "",
    certIssuerDNLegacy: "",
    certSerial: value(other, "serial"),
    certIssuerSerial: "",
    // With colons, as one of the documents has it
    certSKI: keyIdentifier,
    certIssuerSKI: "",
    certFingerprintSHA1: "",
    certFingerprintSHA256: value(other, "sha256 Fingerprint").replaceAll(":", "").toLowerCase(),
    certNotBefore: value(other, "notBefore"),
    certNotAfter: value(other, "notAfter"),
  };
}

function encode(der: Buffer): string {
  return `:${der.toString("base64")}:`;
}

function limit(text: string, characters: number): string | undefined {
  return text.length <= characters ? text : undefined;
}
