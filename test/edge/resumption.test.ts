/**
 * No TLS session is ever taken up again, and none is renegotiated: whoever was not asked for a certificate in this very
 * handshake has none. (nginx CVE-2025-23419, Apache CVE-2025-23048, Go CVE-2025-68121, Node #35317.)
 */
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { type AskOptions, askForAssertion, tlsOptions } from "./harness/client.ts";
import { createWorkFolder, opensslClient, type WorkFolder } from "./harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";

const OTHER_HOST = "b.test";
const REQUEST = `GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`;
const ANSWERED = /"method":"GET"/;

let edge: TestEdge;
let folder: WorkFolder;
let identity: IssuedCertificate;

beforeAll(async () => {
  const root = await createCertificateAuthority({ subject: "CN=example-ca" });
  const other = await createCertificateAuthority({ subject: "CN=other-ca" });
  identity = await root.issue({ subject: "CN=client" });
  edge = await startTestEdge({
    accounts: {
      acme: { domains: [HOST], caCertificates: { root } },
      globex: { domains: [OTHER_HOST], caCertificates: { other } },
    },
  });
  folder = await createWorkFolder();
  await folder.write("client.pem", identity.chainPem);
  await folder.write("client.key", identity.keyPem);
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Every session that the edge offered on a connection over which a request was answered. */
async function collectSessions(options: Pick<AskOptions, "hostname" | "identity" | "tls">): Promise<Buffer[]> {
  const sessions: Buffer[] = [];
  const socket: TLSSocket = connect(tlsOptions(edge, options));
  socket.on("session", (session) => sessions.push(session));
  await once(socket, "secureConnect");
  socket.write(`GET / HTTP/1.1\r\nhost: ${options.hostname ?? HOST}\r\nconnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, "close");
  const session = socket.getSession();
  return session === undefined ? sessions : [...sessions, session];
}

async function offer(session: Buffer, options: Pick<AskOptions, "hostname" | "identity" | "tls">): Promise<boolean> {
  const socket = connect({ ...tlsOptions(edge, options), session });
  await once(socket, "secureConnect");
  const isReused = socket.isSessionReused();
  socket.destroy();
  return isReused;
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("node:tls under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version };

  it.each([
    ["the same host, with the certificate that it was made with", { identity: true, hostname: HOST }],
    ["the same host, without a certificate", { identity: false, hostname: HOST }],
    ["another host", { identity: false, hostname: OTHER_HOST }],
    ["a host that nobody has", { identity: false, hostname: "nobody.test" }],
    ["no host at all", { identity: false, hostname: "" }],
  ])("a verified session is not taken up on %s", async (_, target) => {
    for (const session of await collectSessions({ identity, tls })) {
      const offered = { hostname: target.hostname, tls: { ...tls, rejectUnauthorized: false } };
      expect(await offer(session, target.identity ? { ...offered, identity } : offered)).toBe(false);
    }
  });

  it("a session made without a certificate is not taken up by who has one", async () => {
    for (const session of await collectSessions({ tls })) expect(await offer(session, { identity, tls })).toBe(false);
  });

  it("a session made without a server name is not taken up under one", async () => {
    const sessions = await collectSessions({ hostname: "", identity, tls });
    for (const session of sessions) expect(await offer(session, { tls })).toBe(false);
  });

  it("who offers a verified session is judged by what it presents now", async () => {
    for (const session of await collectSessions({ identity, tls })) {
      const { tlsClientAuth } = await askForAssertion(edge, { tls: { ...tls, session } });
      expect(tlsClientAuth.certVerified).toBe("NONE");
    }
  });
});

describe.each([
  ["TLS 1.2 with tickets", ["-tls1_2"]],
  ["TLS 1.2 with session ids", ["-tls1_2", "-no_ticket"]],
  ["TLS 1.3", ["-tls1_3"]],
])("openssl s_client, %s", (_, version) => {
  const withCertificate = () => ["-cert", folder.path("client.pem"), "-key", folder.path("client.key")];
  const request = { input: REQUEST, endWhen: ANSWERED };

  it("a saved session makes a new one", async () => {
    const session = folder.path("session.pem");
    const saving = [...version, "-servername", HOST, ...withCertificate(), "-sess_out", session];
    const first = await opensslClient(edge, folder, saving, request);
    expect(first.stdout).toMatch(/^New, TLSv1\.\d/m);
    for (const hostname of [HOST, OTHER_HOST]) {
      const offering = [...version, "-servername", hostname, "-sess_in", session];
      const again = await opensslClient(edge, folder, offering, request);
      expect(again.stdout + again.stderr).not.toMatch(/^Reused/m);
    }
  });

  it("five connections in a row are five handshakes", async () => {
    const args = [...version, "-servername", HOST, ...withCertificate(), "-reconnect"];
    const { stdout } = await opensslClient(edge, folder, args, { input: "Q\n" });
    expect(stdout.match(/^New, /gm)?.length).toBeGreaterThanOrEqual(1);
    expect(stdout).not.toMatch(/^Reused/m);
  });
});

it("a renegotiation under TLS 1.2 is refused, and takes the connection with it", async () => {
  const before = edge.upstream.requests.length;
  const { stderr, stdout } = await opensslClient(edge, folder, ["-tls1_2", "-servername", HOST], {
    input: "R\n",
    endWhen: /RENEGOTIATING[\s\S]*/,
  });
  expect(stdout + stderr).toMatch(/no renegotiation|no_renegotiation/i);
  expect(edge.upstream.requests).toHaveLength(before);
});
