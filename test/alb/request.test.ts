/** What reaches the target: ALB's headers in its encodings, nothing that a client forged, and bodies of any size. */
import { X509Certificate } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Alb, type AlbOptions, startAlb } from "../../fixtures/alb/alb.ts";
import { ECHO_MAX_BYTES } from "../../fixtures/alb/echo-target.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { askWithCurl, askWithNode, askWithOpenssl } from "./clients.ts";

let root: CertificateAuthority;
let client: IssuedCertificate;
let chained: IssuedCertificate;
let server: IssuedCertificate;
const running: Alb[] = [];

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-origin-ca,O=Example,C=US" });
  client = await root.issue({
    subject: "CN=gate\\, way,O=Exämple,C=US",
    serialNumber: 0x03a5b1n,
    notBefore: new Date("2025-09-21T01:50:17Z"),
    notAfter: new Date("2046-01-31T00:00:00Z"),
  });
  const intermediate = await root.issueIntermediate({ subject: "CN=middle" });
  chained = await intermediate.issue({ subject: "CN=chained" });
  server = await root.issueServer();
});
afterAll(() => Promise.all(running.map((alb) => alb.close())));

async function start(options: Partial<AlbOptions> & Pick<AlbOptions, "mode">): Promise<Alb> {
  const base = { trustStore: root.certificatePem, certificate: server.chainPem, key: server.keyPem };
  const alb = await startAlb({ ...base, ...options });
  running.push(alb);
  return alb;
}

const FORGED = { "X-Amzn-Mtls-Clientcert-Subject": "CN=admin", x_amzn_mtls_clientcert: "forged" };

describe("verify mode", () => {
  it("tells the target about the client in ALB's encodings", async () => {
    const alb = await start({ mode: "verify" });
    const identity = client;
    const answer = await askWithNode(`${alb.url}/a/b?c=d`, { ca: root.certificatePem, identity, headers: FORGED });
    const subject = "CN=gate\\, way,O=Ex\\C3\\A4mple,C=US";
    expect(answer).toMatchObject({
      ok: true,
      json: {
        method: "GET",
        path: "/a/b?c=d",
        body: "",
        clientCertificate: { subject },
        headers: {
          "x-amzn-mtls-clientcert-serial-number": "03A5B1",
          "x-amzn-mtls-clientcert-issuer": "CN=example-origin-ca,O=Example,C=US",
          "x-amzn-mtls-clientcert-subject": subject,
          "x-amzn-mtls-clientcert-validity": "NotBefore=2025-09-21T01:50:17Z;NotAfter=2046-01-31T00:00:00Z",
          "x-amzn-mtls-clientcert-leaf": expect.stringMatching(
            /^-----BEGIN%20CERTIFICATE-----%0A([A-Za-z0-9+/=]|%0A)+-----END%20CERTIFICATE-----%0A$/,
          ),
        },
      },
    });
    expect(headersOf(answer)).not.toHaveProperty("x_amzn_mtls_clientcert");
    const pem = decodeURIComponent(headersOf(answer)["x-amzn-mtls-clientcert-leaf"] ?? "");
    expect(new X509Certificate(pem).raw.equals(client.der)).toBe(true);
    expect(alb.connections).toMatchObject([
      {
        clientIp: "127.0.0.1",
        listenerPort: alb.port,
        leafClientCertSubject: subject,
        leafClientCertSerialNumber: "03A5B1",
      },
    ]);
  });

  it.each(["--http1.1", "--http2"])("serves curl %s, body and all", async (version) => {
    const alb = await start({ mode: "verify" });
    const question = { ca: root.certificatePem, identity: chained };
    const { stdout, stderr } = await askWithCurl(`${alb.url}/x`, question, version, "--data", "hällo");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({
      method: "POST",
      body: "hällo",
      headers: { host: `localhost:${alb.port}` },
      clientCertificate: { subject: "CN=chained" },
    });
  });

  it.each([ECHO_MAX_BYTES, 5 * ECHO_MAX_BYTES])("takes a body of %i bytes and echoes at most 1 MiB", async (bytes) => {
    const alb = await start({ mode: "verify" });
    const body = Buffer.alloc(bytes, "a");
    const answer = await askWithNode(alb.url, { ca: root.certificatePem, identity: client, method: "PUT", body });
    if (!answer.ok) throw new Error(answer.code);
    expect(String(answer.json.body)).toHaveLength(ECHO_MAX_BYTES);
    expect(answer.json.bodyBytes).toBe(bytes > ECHO_MAX_BYTES ? bytes : undefined);
  });

  it.each(["-tls1_2", "-tls1_3"])("resumes no session under %s", async (version) => {
    const alb = await start({ mode: "verify" });
    const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const question = { ca: root.certificatePem, identity: client };
    const text = await askWithOpenssl(alb.port, question, request, version, "-reconnect");
    expect(text).toContain("New, ");
    expect(text).not.toContain("Reused, ");
    expect(alb.connections.every(({ tlsVerifyStatus }) => tlsVerifyStatus === "Success")).toBe(true);
  });

  it.each([undefined, "", "nonsense"])("does not start with %j for a trust store", async (trustStore) => {
    const options = { mode: "verify" as const, certificate: server.chainPem, key: server.keyPem };
    await expect(startAlb({ ...options, ...(trustStore === undefined ? {} : { trustStore }) })).rejects.toThrow(
      TypeError,
    );
  });

  it.each(["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", ""])(
    "survives %j in the place of a handshake",
    async (bytes) => {
      const alb = await start({ mode: "verify" });
      await new Promise<void>((resolve) => {
        const socket = connect(alb.port, "127.0.0.1", () => {
          socket.write(bytes, () => setImmediate(() => socket.resetAndDestroy()));
        });
        socket.once("close", () => resolve());
        socket.on("error", () => {});
      });
      const answer = await askWithNode(alb.url, { ca: root.certificatePem, identity: client });
      expect(answer).toMatchObject({ ok: true });
      expect(alb.connections.map(({ tlsVerifyStatus }) => tlsVerifyStatus)).toContain("Failed:UnmappedConnectionError");
    },
  );

  it("keeps to the TLS versions it was given", async () => {
    const alb = await start({ mode: "verify", maxVersion: "TLSv1.2" });
    const answer = await askWithNode(alb.url, {
      ca: root.certificatePem,
      identity: client,
      tls: { minVersion: "TLSv1.3" },
    });
    expect(answer).toMatchObject({ ok: false });
    expect(alb.connections).toMatchObject([{ tlsVerifyStatus: "Failed:UnmappedConnectionError" }]);
  });
});

describe("passthrough mode", () => {
  it("hands on the whole chain of a client that nobody verified", async () => {
    const alb = await start({ mode: "passthrough" });
    const rogueRoot = await createCertificateAuthority({ subject: "CN=rogue" });
    const middle = await rogueRoot.issueIntermediate({ subject: "CN=rogue-middle" });
    const identity = await middle.issue({ subject: "CN=stranger" });
    const answer = await askWithNode(alb.url, { ca: root.certificatePem, identity, headers: FORGED });
    expect(answer).toMatchObject({ ok: true, json: { clientCertificate: null } });
    expect(decodeURIComponent(headersOf(answer)["x-amzn-mtls-clientcert"] ?? "")).toBe(identity.chainPem);
    expect(headersOf(answer)).not.toHaveProperty("x-amzn-mtls-clientcert-subject");
    expect(alb.connections).toMatchObject([{ leafClientCertSubject: "CN=stranger", tlsVerifyStatus: "-" }]);
  });

  it("lets a client without a certificate in, without the header", async () => {
    const alb = await start({ mode: "passthrough" });
    const answer = await askWithNode(alb.url, { ca: root.certificatePem, headers: FORGED });
    expect(Object.keys(headersOf(answer)).filter((name) => /amzn/.test(name))).toEqual([]);
  });
});

describe("off", () => {
  it("asks for no certificate and takes none from headers either", async () => {
    const alb = await start({ mode: "off" });
    const answer = await askWithNode(alb.url, { ca: root.certificatePem, identity: client, headers: FORGED });
    expect(answer).toMatchObject({ ok: true, json: { clientCertificate: null } });
    expect(Object.keys(headersOf(answer)).filter((name) => /amzn/.test(name))).toEqual([]);
    expect(alb.connections).toMatchObject([{ leafClientCertSubject: "-", tlsVerifyStatus: "-" }]);
  });
});

function headersOf(answer: Awaited<ReturnType<typeof askWithNode>>): Record<string, string> {
  if (!answer.ok) throw new Error(answer.code);
  return answer.json.headers as Record<string, string>;
}
