/**
 * An attacker takes up a TLS session that somebody was verified in, or that was verified under what no longer holds.
 * Resumption skips certificate verification: nginx CVE-2025-23419, Apache CVE-2025-23048, Go CVE-2025-68121,
 * HAProxy 4a8f7622, Cloudflare 2025-01, Node #35317.
 */
import { once } from "node:events";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judgeHandshake } from "../../edge-shim/ingress/verdict.ts";
import { type AskOptions, connectTls, type Identity, readToEnd, tlsOptions } from "../edge/harness/client.ts";
import { createWorkFolder, opensslClient, type WorkFolder } from "../edge/harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "../edge/harness/edge.ts";
import { type Server, startCarelessServer } from "./harness/careless-server.ts";
import { OTHER_HOST, SIBLING_HOST, type Stack, startStack } from "./harness/stack.ts";

type Target = Pick<AskOptions, "hostname" | "identity" | "tls">;

const SERVED = /clientMtlsVerificationStatus|misdirected_request/;
const requestFor = (hostname: string) =>
  `GET /v1/optional HTTP/1.1\r\nhost: ${hostname || HOST}\r\nconnection: close\r\n\r\n`;

let stack: Stack;
let careless: Server & AsyncDisposable;
let folder: WorkFolder;

beforeAll(async () => {
  stack = await startStack();
  careless = await startCarelessServer({ [HOST]: stack.acmeCa, [OTHER_HOST]: stack.globexCa });
  folder = await createWorkFolder();
  for (const [name, { chainPem, keyPem }] of Object.entries({ client: stack.client, other: stack.otherClient })) {
    await folder.write(`${name}.pem`, chainPem);
    await folder.write(`${name}.key`, keyPem);
  }
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await careless[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Every session that a client can get hold of on a connection over which a request was answered. */
async function collectSessions(server: Server, target: Target): Promise<Buffer[]> {
  const sessions: Buffer[] = [];
  const socket = connect(tlsOptions(server as TestEdge, target));
  socket.on("session", (session) => sessions.push(session));
  await once(socket, "secureConnect");
  socket.write(requestFor(target.hostname ?? HOST));
  const answer = await readToEnd(socket);
  expect(answer).toMatch(SERVED);
  const last = socket.getSession();
  return last === undefined ? sessions : [...sessions, last];
}

/** Whether the session was taken up, and as whom a request on it was served. */
async function offer(server: Server, session: Buffer, target: Target) {
  const socket = await connectTls(server as TestEdge, { ...target, tls: { ...target.tls, session } });
  const isReused = socket.isSessionReused();
  socket.write(requestFor(target.hostname ?? HOST));
  const answer = await readToEnd(socket);
  const verdict = /"clientMtlsVerificationStatus":"(\w+)"/.exec(answer)?.[1] ?? answer.slice(9, 12);
  return { isReused, verdict };
}

async function offerAll(server: Server, sessions: Buffer[], target: Target) {
  const outcomes: Awaited<ReturnType<typeof offer>>[] = [];
  for (const session of sessions) outcomes.push(await offer(server, session, target));
  return outcomes;
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version, rejectUnauthorized: false };

  it("offers a verified session without the certificate (nginx CVE-2025-23419)", async () => {
    const sessions = await collectSessions(stack, { identity: stack.client, tls });
    for (const outcome of await offerAll(stack, sessions, { tls })) {
      expect(outcome).toEqual({ isReused: false, verdict: "NONE" });
    }
    const control = await collectSessions(careless, { identity: stack.client, tls });
    expect(await offerAll(careless, control, { tls })).toContainEqual({ isReused: true, verdict: "SUCCESS" });
  });

  it("offers a session that was made without a certificate, and now has one (Apache CVE-2025-23048)", async () => {
    const sessions = await collectSessions(stack, { tls });
    for (const outcome of await offerAll(stack, sessions, { identity: stack.client, tls })) {
      expect(outcome).toEqual({ isReused: false, verdict: "SUCCESS" });
    }
  });

  it("offers a session from before the CA certificate was removed (Go CVE-2025-68121)", async () => {
    const target: Target = { identity: stack.client, tls };
    const sessions = await collectSessions(stack, target);
    stack.trust.replace({ ...stack.accounts, acme: { domains: [HOST, SIBLING_HOST] } });
    try {
      for (const without of [target, { tls }]) {
        for (const { isReused, verdict } of await offerAll(stack, sessions, without)) {
          expect(isReused).toBe(false);
          expect(verdict).not.toBe("SUCCESS");
        }
      }
    } finally {
      stack.trust.replace(stack.accounts);
    }
    expect(await offer(stack, sessions[0] as Buffer, target)).toEqual({ isReused: false, verdict: "SUCCESS" });
  });

  it("offers a session from before the certificate expired", async () => {
    const accounts = { acme: { domains: [HOST], caCertificates: { acme_ca: stack.acmeCa } } };
    await using edge = await startTestEdge({ accounts });
    const notAfter = new Date(edge.clock.nowMs + 3_600_000);
    const identity: Identity = await stack.acmeCa.issue({ subject: "CN=client", notAfter });
    const verdictOf = async (session?: Buffer) => {
      const options = { identity, tls: { ...tls, ...(session && { session }) } };
      const socket = await connectTls(edge, options);
      const isReused = socket.isSessionReused();
      socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\nconnection: close\r\n\r\n`);
      await readToEnd(socket);
      const { tlsClientAuth } = await edge.readAssertion(edge.upstream.requests.at(-1)?.headers ?? {});
      return { isReused, verdict: tlsClientAuth.certVerified, session: socket.getSession() };
    };
    const before = await verdictOf();
    expect(before.verdict).toBe("SUCCESS");
    edge.clock.advance(3_602_000);
    expect(await verdictOf(before.session)).toMatchObject({
      isReused: false,
      verdict: "FAILED:certificate has expired",
    });
  });
});

it("is not verified even in a session that was resumed all the same: the second line of defence", () => {
  const facts = { authorized: true, verifyError: "", verifyErrorCode: undefined, caSet: undefined };
  const presented = { leaf: {} as never, intermediates: [] };
  expect(judgeHandshake({ ...facts, presented, resumed: true }, 0)).toEqual({
    status: "FAILED",
    reason: "TLS session was resumed",
  });
});

// Not with node:tls: its client keeps a session to the server name of which it came.
describe.each([
  ["TLS 1.2 with tickets (RFC 5077)", ["-tls1_2"]],
  ["TLS 1.2 with session ids (RFC 5246, section 7.3)", ["-tls1_2", "-no_ticket"]],
  ["TLS 1.3 (RFC 8446, section 2.2)", ["-tls1_3"]],
])("openssl s_client, %s", (_, version) => {
  const connectAs = (server: Server, args: string[], given: { input: string; endWhen?: RegExp }) =>
    opensslClient(server as TestEdge, folder, [...version, ...args], given);
  const certificateOf = (name: string) => ["-cert", folder.path(`${name}.pem`), "-key", folder.path(`${name}.key`)];

  /** Saves a session of a verified client (-sess_out) and says what it was good for on another connection (-sess_in). */
  async function takeOver(server: Server, hostname: string, more: string[] = []) {
    const session = folder.path(`session-${server.port}.pem`);
    const saving = ["-servername", HOST, ...certificateOf("client"), "-sess_out", session];
    const first = await connectAs(server, saving, { input: requestFor(HOST), endWhen: SERVED });
    expect(first.stdout).toContain('"clientMtlsVerificationStatus":"SUCCESS"');
    const name = hostname === "" ? ["-noservername"] : ["-servername", hostname];
    const again = await connectAs(server, [...name, "-sess_in", session, ...more], {
      input: requestFor(hostname),
      endWhen: SERVED,
    });
    const verdict = /"clientMtlsVerificationStatus":"(\w+)"|"(misdirected_request)"/.exec(again.stdout);
    return { isReused: /^Reused/m.test(again.stdout), verdict: verdict?.[1] ?? verdict?.[2] };
  }

  it.each([
    ["the same host (nginx CVE-2025-23419)", HOST, "NONE"],
    ["another account's host (Node #35317, Cloudflare 2025-01)", OTHER_HOST, "NONE"],
    ["another host of the account", SIBLING_HOST, "NONE"],
    ["a host that nobody has", "nobody.test", "misdirected_request"],
    ["no server name (Go CVE-2025-68121)", "", "NONE"],
  ])("takes a verified session to %s", async (_, hostname, verdict) => {
    expect(await takeOver(stack, hostname)).toEqual({ isReused: false, verdict });
  });

  it("takes it to another account's host with a certificate of its own: only that counts", async () => {
    expect(await takeOver(stack, OTHER_HOST, certificateOf("other"))).toEqual({ isReused: false, verdict: "SUCCESS" });
    expect(await takeOver(stack, HOST, certificateOf("other"))).toEqual({ isReused: false, verdict: "FAILED" });
  });

  it.each([HOST, OTHER_HOST])("gets in with it on %s of a server that resumes: the control", async (hostname) => {
    expect(await takeOver(careless, hostname)).toEqual({ isReused: true, verdict: "SUCCESS" });
  });
});

it.each([["-no_ticket"], []])(
  "connects five times more (s_client -reconnect %s): each is a handshake",
  async (...args) => {
    const certificate = ["-cert", folder.path("client.pem"), "-key", folder.path("client.key")];
    const connectAgain = (server: Server) =>
      opensslClient(
        server as TestEdge,
        folder,
        ["-tls1_2", "-servername", HOST, ...certificate, ...args, "-reconnect"],
        {
          input: "Q\n",
        },
      );
    expect((await connectAgain(stack)).stdout).not.toMatch(/^Reused/m);
    expect((await connectAgain(careless)).stdout, "the control").toMatch(/^Reused/m);
  },
);

it("renegotiates, to change the client certificate in the middle of a connection (CVE-2009-3555)", async () => {
  const before = stack.logEvents("request").length;
  const { stderr, stdout } = await opensslClient(stack, folder, ["-tls1_2", "-servername", HOST], {
    input: "R\n",
    endWhen: /RENEGOTIATING[\s\S]*/,
  });
  expect(stdout + stderr).toMatch(/no renegotiation|no_renegotiation/i);
  expect(stack.logEvents("request")).toHaveLength(before);
});
