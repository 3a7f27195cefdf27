/** Rule 3 of the verdict: what a change of trust does to connections that are open. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { type Answer, type AskOptions, ask, connectTls, createKeepAliveAgent } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";
import type { Accounts } from "./harness/trust.ts";
import { until } from "./harness/until.ts";
import { reflect } from "./harness/upstream.ts";
import { openWebSocket } from "./harness/websocket-client.ts";

const OTHER_HOST = "b.test";
const CA_REMOVED = "FAILED:CA certificate was removed";

let root: CertificateAuthority;
let other: CertificateAuthority;
let identity: IssuedCertificate;
let edge: TestEdge;
let agent: ReturnType<typeof createKeepAliveAgent>;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
  other = await createCertificateAuthority({ subject: "CN=other-ca" });
  identity = await root.issue({ subject: "CN=client" });
});
beforeEach(async () => {
  edge = await startTestEdge({ accounts: accounts() });
  agent = createKeepAliveAgent();
});
afterEach(async () => {
  agent.destroy();
  await edge[Symbol.asyncDispose]();
});

function accounts(acme: Accounts[string] = { domains: [HOST], caCertificates: { demo_ca: root } }): Accounts {
  return { acme, globex: { domains: [OTHER_HOST], caCertificates: { other_ca: other } } };
}

const withoutCa = () => accounts({ domains: [HOST] });

async function verdictOf(answer: Answer): Promise<string> {
  return (await edge.readAssertion(answer.seen().headers)).tlsClientAuth.certVerified;
}

const token = (answer: Answer) => answer.seen().headers["sallyport-edge-assertion"];
const onOneConnection = (options: AskOptions = {}) => ask(edge, { identity, agent, ...options });
const openConnections = () =>
  Object.values(agent.sockets).flat().length + Object.values(agent.freeSockets).flat().length;

describe("a CA certificate that was removed", () => {
  it("fails the very next request of an open HTTP/1.1 connection, which then closes", async () => {
    const first = await onOneConnection();
    expect([await verdictOf(first), first.headers.connection]).toEqual(["SUCCESS", "keep-alive"]);
    edge.trust.replace(withoutCa());
    const second = await onOneConnection();
    expect([await verdictOf(second), second.headers.connection]).toEqual([CA_REMOVED, "close"]);
    expect((await edge.readAssertion(second.seen().headers)).trustAnchors).toEqual([]);
    await until(() => openConnections() === 0);
    expect(await verdictOf(await onOneConnection())).toBe("FAILED:unable to get local issuer certificate");
  });

  it("fails the very next stream of an open HTTP/2 connection, which is told to go away", async () => {
    const session = await connectHttp2(edge, { identity });
    expect(await verdictOf(await askHttp2(session))).toBe("SUCCESS");
    const goneAway = once(session, "goaway");
    const closed = once(session, "close");
    edge.trust.replace(withoutCa());
    expect(await verdictOf(await askHttp2(session))).toBe(CA_REMOVED);
    await goneAway;
    await closed;
  });

  it("lets an answer under way end, and logs the verdict that each request was let through with", async () => {
    const session = await connectHttp2(edge, { identity });
    let finish = () => {};
    edge.upstream.onRequest = (request, response) => {
      if (request.url === "/slow") {
        response.write("begun, ");
        finish = () => response.end("done");
      } else void reflect(request, response);
    };
    const slow = session.request({ ":authority": HOST, ":path": "/slow" });
    const text: string[] = [];
    slow.setEncoding("utf8").on("data", (chunk: string) => text.push(chunk));
    await once(slow, "response");
    edge.trust.replace(withoutCa());
    expect(await verdictOf(await askHttp2(session))).toBe(CA_REMOVED);
    finish();
    await once(slow, "close");
    expect(text.join("")).toBe("begun, done");
    const events = await edge.waitForLog("request", 2);
    expect(events.map(({ path, verdict }) => [path, verdict])).toEqual([
      ["/", "FAILED"],
      ["/slow", "SUCCESS"],
    ]);
  });

  it("cuts a WebSocket at once, and not one that was accepted without it", async () => {
    const verified = await openWebSocket(edge, { identity });
    const unverified = await openWebSocket(edge, {});
    edge.trust.replace(withoutCa());
    expect((await verified.closed).code).toBe(1006);
    expect(await unverified.echo("still here")).toBe("still here");
    const [event] = await edge.waitForLog("request");
    expect(event).toMatchObject({ status: 101, cutReason: "CA certificate was removed" });
    unverified.socket.close();
  });

  it("leaves a connection alone that another certificate of the same name does not replace", async () => {
    expect(await verdictOf(await onOneConnection())).toBe("SUCCESS");
    const renewed = await createCertificateAuthority({ subject: "CN=example-ca", key: root.keys });
    edge.trust.replace(accounts({ domains: [HOST], caCertificates: { demo_ca: renewed } }));
    expect(await verdictOf(await onOneConnection())).toBe(CA_REMOVED);
    expect(await verdictOf(await onOneConnection())).toBe("SUCCESS");
  });

  it("ends a verdict that a second anchor would still carry, and the next handshake finds that one", async () => {
    const intermediate = await root.issueIntermediate({ subject: "CN=intermediate" });
    const crossed = await other.crossSign(intermediate);
    const client = await intermediate.issue({ subject: "CN=client" });
    // OpenSSL takes the first issuer that the client sends: with the other one first, it would not find the second CA.
    const options = {
      identity: { ...client, chainPem: client.certificatePem + crossed.chainPem + intermediate.chainPem },
    };
    edge.trust.replace(accounts({ domains: [HOST], caCertificates: { demo_ca: root, second_ca: other } }));
    expect(await verdictOf(await onOneConnection(options))).toBe("SUCCESS");
    edge.trust.replace(accounts({ domains: [HOST], caCertificates: { second_ca: other } }));
    expect(await verdictOf(await onOneConnection(options))).toBe(CA_REMOVED);
    const again = await onOneConnection(options);
    expect((await edge.readAssertion(again.seen().headers)).trustAnchors).toEqual([
      { id: "mtlsca_second_ca", name: "second_ca" },
    ]);
  });
});

describe("a CA certificate that was added", () => {
  it("closes an unverified connection after its next answer, so that the client shakes hands anew", async () => {
    edge.trust.replace(withoutCa());
    const first = await onOneConnection();
    expect([await verdictOf(first), first.headers.connection]).toEqual([
      "FAILED:unable to get local issuer certificate",
      "keep-alive",
    ]);
    edge.trust.replace(accounts());
    const second = await onOneConnection();
    expect([await verdictOf(second), second.headers.connection]).toEqual([
      "FAILED:unable to get local issuer certificate",
      "close",
    ]);
    expect(await verdictOf(await onOneConnection())).toBe("SUCCESS");
  });

  it("leaves verified connections alone", async () => {
    await onOneConnection();
    edge.trust.replace(accounts({ domains: [HOST], caCertificates: { demo_ca: root, other_ca: other } }));
    const next = await onOneConnection();
    expect([await verdictOf(next), next.headers.connection]).toEqual(["SUCCESS", "keep-alive"]);
  });
});

it("a change in one account leaves connections and assertions of the others as they are", async () => {
  const client = await other.issue({ subject: "CN=client" });
  const options = { hostname: OTHER_HOST, identity: client };
  const first = await onOneConnection(options);
  const unverified = createKeepAliveAgent();
  await ask(edge, { hostname: OTHER_HOST, agent: unverified });
  edge.trust.replace(withoutCa());
  // A signature of another second would be another token.
  edge.clock.advance(1_000);
  const second = await onOneConnection(options);
  expect(token(second)).toBe(token(first));
  expect(second.headers.connection).toBe("keep-alive");
  expect((await ask(edge, { hostname: OTHER_HOST, agent: unverified })).headers.connection).toBe("keep-alive");
  unverified.destroy();
});

it("a CA certificate that was renamed appears under its new name, on the same connection", async () => {
  const first = await onOneConnection();
  edge.trust.replace(accounts({ domains: [HOST], caCertificates: { new_name: root } }));
  const second = await onOneConnection();
  expect((await edge.readAssertion(second.seen().headers)).trustAnchors).toEqual([
    { id: "mtlsca_new_name", name: "new_name" },
  ]);
  expect(token(second)).not.toBe(token(first));
  expect(second.headers.connection).toBe("keep-alive");
});

describe("a domain", () => {
  it("that was removed is misdirected on open connections, and they close", async () => {
    await onOneConnection();
    edge.trust.replace(accounts({ domains: [], caCertificates: { demo_ca: root } }));
    const answer = await onOneConnection();
    expect(answer.status).toBe(421);
    expect(answer.headers.connection).toBe("close");
    expect(answer.problem()).toMatchObject({ code: "misdirected_request", reason: '"a.test" is not an active domain' });
    expect(edge.upstream.requests).toHaveLength(1);
  });

  it("that was removed ends its WebSockets", async () => {
    const unverified = await openWebSocket(edge, {});
    edge.trust.replace(accounts({ domains: [] }));
    await unverified.closed;
    const [event] = await edge.waitForLog("request");
    expect(event?.cutReason).toBe("the domain is no longer active");
  });

  it("that was added is served on a connection that asked too early, which then closes", async () => {
    const options = { hostname: "new.test", tls: { rejectUnauthorized: false } };
    expect((await ask(edge, options)).status).toBe(421);
    const socket = await connectTls(edge, options);
    edge.trust.replace(accounts({ domains: [HOST, "new.test"], caCertificates: { demo_ca: root } }));
    socket.write("GET / HTTP/1.1\r\nhost: new.test\r\n\r\n");
    const [text] = await once(socket.setEncoding("latin1"), "data");
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*connection: close\r\n/i);
    socket.destroy();
  });

  const moved = (): Accounts => ({
    acme: { caCertificates: { demo_ca: root } },
    globex: { domains: [HOST, OTHER_HOST], caCertificates: { other_ca: other, also_root: root } },
  });

  it("that moved to another account takes no verdict with it, even when both trust the CA", async () => {
    await onOneConnection();
    edge.trust.replace(moved());
    const answer = await onOneConnection();
    expect(await edge.readAssertion(answer.seen().headers)).toMatchObject({
      account: "globex",
      project: "globex-project",
      trustAnchors: [],
      tlsClientAuth: { certVerified: CA_REMOVED },
    });
    expect(answer.headers.connection).toBe("close");
    const again = await onOneConnection();
    expect(await edge.readAssertion(again.seen().headers)).toMatchObject({
      account: "globex",
      trustAnchors: [{ id: "mtlsca_also_root", name: "also_root" }],
      tlsClientAuth: { certVerified: "SUCCESS" },
    });
  });

  it("that moved to another account ends WebSockets of the old one, verified or not", async () => {
    const verified = await openWebSocket(edge, { identity });
    const unverified = await openWebSocket(edge, {});
    edge.trust.replace(moved());
    await verified.closed;
    await unverified.closed;
    const events = await edge.waitForLog("request", 2);
    for (const event of events) expect(event.cutReason).toBe("the domain moved to another account or project");
  });

  it("that moved to another project has assertions for that project from then on", async () => {
    await onOneConnection();
    edge.trust.replace(accounts({ domains: [[HOST, "second-project"]], caCertificates: { demo_ca: root } }));
    const answer = await onOneConnection();
    expect(await edge.readAssertion(answer.seen().headers)).toMatchObject({
      project: "second-project",
      tlsClientAuth: { certVerified: "SUCCESS" },
    });
    expect(answer.headers.connection).toBe("keep-alive");
  });
});

it("an idle connection survives a change that does not concern it without a word", async () => {
  const socket: Socket = await connectTls(edge, { hostname: OTHER_HOST });
  edge.trust.replace(withoutCa());
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});
