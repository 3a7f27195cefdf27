/** Rule 3 of the verdict: what time does to connections that are open. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type Answer, type AskOptions, ask, createKeepAliveAgent, type Identity } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { openWebSocket } from "./harness/websocket-client.ts";

let root: CertificateAuthority;
let identity: Identity;
let edge: TestEdge;
let agent: ReturnType<typeof createKeepAliveAgent>;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
  identity = await root.issue({ subject: "CN=client" });
});
beforeEach(async () => {
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { demo_ca: root } } } });
  agent = createKeepAliveAgent();
});
afterEach(async () => {
  agent.destroy();
  await edge[Symbol.asyncDispose]();
});

async function verdictOf(answer: Answer): Promise<string> {
  return (await edge.readAssertion(answer.seen().headers)).tlsClientAuth.certVerified;
}

const onOneConnection = (options: AskOptions = {}) => ask(edge, { identity, agent, ...options });

describe("a certificate that expires while its connection is open", () => {
  const HOUR_MS = 3_600_000;
  const expiring = () => root.issue({ subject: "CN=client", notAfter: new Date(edge.clock.nowMs + HOUR_MS) });

  it("fails the next request, and the connection closes", async () => {
    const options = { identity: await expiring() };
    expect(await verdictOf(await onOneConnection(options))).toBe("SUCCESS");
    edge.clock.advance(HOUR_MS - 2_000);
    expect(await verdictOf(await onOneConnection(options))).toBe("SUCCESS");
    edge.clock.advance(4_000);
    const answer = await onOneConnection(options);
    expect([await verdictOf(answer), answer.headers.connection]).toEqual(["FAILED:certificate has expired", "close"]);
  });

  it("fails when it is an intermediate", async () => {
    const notAfter = new Date(edge.clock.nowMs + HOUR_MS);
    const intermediate = await root.issueIntermediate({ subject: "CN=short", notAfter });
    const options = { identity: await intermediate.issue({ subject: "CN=client" }) };
    expect(await verdictOf(await onOneConnection(options))).toBe("SUCCESS");
    edge.clock.advance(HOUR_MS + 2_000);
    expect(await verdictOf(await onOneConnection(options))).toBe("FAILED:certificate has expired");
  });

  it("fails when the clock is set back before it began", async () => {
    expect(await verdictOf(await onOneConnection())).toBe("SUCCESS");
    edge.clock.advance(-48 * HOUR_MS);
    expect(await verdictOf(await onOneConnection())).toBe("FAILED:certificate is not yet valid");
  });

  it("cuts a WebSocket", async () => {
    // The timer is a real one: the clock of this edge begins just before the end of the certificate.
    const notAfter = new Date(Math.ceil(edge.clock.nowMs / 1_000) * 1_000 + HOUR_MS);
    const client = await root.issue({ subject: "CN=client", notAfter });
    edge.clock.nowMs = notAfter.getTime() - 50;
    const verified = await openWebSocket(edge, { identity: client });
    expect(await verified.echo("hello")).toBe("hello");
    edge.clock.nowMs = notAfter.getTime() + 1;
    await verified.closed;
    const [event] = await edge.waitForLog("request");
    expect(event).toMatchObject({ status: 101, verdict: "SUCCESS", cutReason: "certificate has expired" });
  });
});
