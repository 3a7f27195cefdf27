/** What OpenSSL says by itself, and no source has: it is asked, about chains and about handshakes of every kind. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, createServer, type Server, connect as tlsConnect } from "node:tls";
import { judgeAsEdge } from "../../cli/explain/judge.ts";
import { describeAlert } from "../../edge-shim/egress/tls-alert.ts";
import { createEdgeCa, createServerCertificates } from "../../edge-shim/ingress/server-certificates.ts";
import { CONTEXT_OPTIONS } from "../../edge-shim/ingress/server-name.ts";
import { REASON } from "../../edge-shim/ingress/verdict.ts";
import { compileCaSet } from "../../edge-shim/trust/trust-store.ts";
import { verifyClient } from "../../fixtures/alb/verify-client.ts";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { parsePem } from "../../src/x509/pem.ts";
import { createBundle } from "../edge/harness/trust.ts";
import { createAccounts, createAuthorities } from "../explain/authorities.ts";
import { CASES } from "../explain/cases.ts";
import { findTexts } from "./troubleshooting-sources.ts";

/** Reasons of the edge, of OpenSSL for each chain that the tests of `sallyport explain` know, and of Cloudflare. */
export async function collectVerdictReasons(): Promise<string[]> {
  const worker = "src/gateway/client-certificate.ts";
  const told = findTexts(worker, { call: "failed" }, { returnsOf: "failureReason" });
  return [...Object.values(REASON), ...told, ...(await judgeAllCases())];
}

async function judgeAllCases(): Promise<string[]> {
  const authorities = await createAuthorities();
  const accounts = createAccounts(authorities);
  const reasons: string[] = [];
  for (const { host, make } of CASES) {
    const { chainPem } = await make(authorities);
    const pem = parsePem(chainPem);
    const [account] = createBundle({ [host]: accounts[host] }).accounts;
    if (!pem.ok || account === undefined) throw new TypeError(`"${host}" has no chain, or is no account`);
    const [leaf, ...others] = pem.blocks.map(({ der }) => der);
    if (leaf === undefined) throw new TypeError(`"${host}" has an empty chain`);
    const { verdict } = await judgeAsEdge([leaf, ...others], compileCaSet(account), Date.now());
    if (verdict.status === "FAILED") reasons.push(verdict.reason);
  }
  return reasons;
}

/** Long enough for nobody to wait for it, and for no client here to be cut */
const HANDSHAKE_TIMEOUT_MS = 60_000;
const SHORT_TIMEOUT_MS = 50;

/** The code of each way to fail a handshake with a server of the edge's settings. */
export async function collectHandshakeCodes(): Promise<string[]> {
  const certificates = await createServerCertificates(await createEdgeCa(new Date()), () => new Date());
  const { certificatePem, keyPem } = await certificates.fallback();
  const options = {
    ...CONTEXT_OPTIONS,
    cert: certificatePem,
    key: keyPem,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const patient = createServer({ ...options, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
  const hasty = createServer({ ...options, handshakeTimeout: SHORT_TIMEOUT_MS });
  try {
    const codes: string[] = [];
    for (const attempt of await createAttempts()) codes.push(await failHandshake(patient, attempt));
    codes.push(await failHandshake(hasty, (port) => connectAndSend(port, "")));
    return codes;
  } finally {
    patient.close();
    hasty.close();
  }
}

type Attempt = (port: number) => { end: () => unknown };

async function failHandshake(server: Server, attempt: Attempt): Promise<string> {
  if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
  const failed = once(server, "tlsClientError") as Promise<[NodeJS.ErrnoException]>;
  const client = attempt((server.address() as AddressInfo).port);
  const [{ code = "" }] = await failed;
  await client.end();
  return code;
}

async function createAttempts(): Promise<Attempt[]> {
  const authority = await createCertificateAuthority({ subject: "CN=example-ca" });
  const large = await authority.issue({ subject: "CN=client", sizeBytes: 120 * 1024 });
  return [
    (port) => refuseServer(port, authority.certificatePem),
    (port) => connectTls(port, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
    (port) => connectTls(port, { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES256-SHA384" }),
    (port) => connectTls(port, { cert: large.certificatePem, key: large.keyPem }),
    (port) => connectAndSend(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    (port) => connectAndSend(port, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"),
    (port) => connectAndLeave(port),
  ];
}

function connectTls(port: number, options: ConnectionOptions) {
  const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  socket.on("error", () => {});
  return { end: () => void socket.destroy() };
}

function connectAndSend(port: number, text: string) {
  const socket = connect(port, "127.0.0.1", () => socket.write(text));
  socket.on("error", () => {});
  return { end: () => void socket.destroy() };
}

function connectAndLeave(port: number) {
  const socket = connect(port, "127.0.0.1", () => socket.end());
  socket.on("error", () => {});
  return { end: () => void socket.destroy() };
}

/** Node's client says nothing when it does not trust a server; OpenSSL's does, as curl. */
function refuseServer(port: number, caPem: string) {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-troubleshooting-"));
  const caPath = join(folder, "ca.pem");
  writeFileSync(caPath, caPem);
  const words = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", caPath, "-verify_return_error"];
  const child = spawn("openssl", words, { stdio: "ignore" });
  const exited = once(child, "exit").finally(() => rmSync(folder, { recursive: true, force: true }));
  return {
    end() {
      child.kill();
      return exited;
    },
  };
}

/** The alert by which the stand-in of an ALB answers each of its reasons; under TLS 1.3 where it depends on that. */
export async function collectAlbAlerts(): Promise<Map<string, string>> {
  const authority = await createCertificateAuthority({ subject: "CN=example-ca" });
  const leaf = new X509Certificate((await authority.issue({ subject: "CN=client" })).certificatePem);
  const edLeaf = new X509Certificate((await authority.issue({ subject: "CN=client", key: "ed25519" })).certificatePem);
  const usual = { chain: [leaf], verifyError: "", protocol: "TLSv1.3", acceptClient: () => true };
  const verifyErrors = findTexts("fixtures/alb/verify-client.ts", { keysOf: "REASON_BY_VERIFY_ERROR" });
  const results = [
    ...[...verifyErrors, "SOMETHING_ELSE"].map((verifyError) => verifyClient({ ...usual, verifyError })),
    verifyClient({ ...usual, chain: [] }),
    verifyClient({ ...usual, chain: Array.from({ length: 5 }, () => leaf) }),
    verifyClient({ ...usual, chain: Array.from({ length: 1_000 }, () => leaf) }),
    verifyClient({ ...usual, chain: [edLeaf] }),
    verifyClient({ ...usual, acceptClient: () => false }),
  ];
  return new Map(results.flatMap((result) => (result.ok ? [] : [[result.reason, describeAlert(result.alert).name]])));
}
