/** No answer came from the origin: each cause with a code, a reason that can be searched for, and what to do about it. */
import { beforeAll, describe, expect, it } from "vitest";
import type { EgressLimits } from "../../edge-shim/egress/limits.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { until } from "../edge/harness/until.ts";
import { type Answer, type Question, startTestEgress } from "./harness/egress.ts";
import { PROTOCOLS, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";
import {
  type RawOrigin,
  resetConnection,
  startAnsweringOrigin,
  startTcpOrigin,
  startTlsOrigin,
} from "./harness/raw-origin.ts";

const DAY_MS = 86_400_000;

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

interface Cause {
  /** Left out: nobody listens */
  start?: (pki: TestPki) => Promise<RawOrigin>;
  target?: string;
  limits?: Partial<EgressLimits>;
  code: string;
  reason: RegExp;
  hint: RegExp;
}

const silent = () => startTcpOrigin((socket) => socket.resume());
const saying = (bytes: string) => (given: TestPki) => startAnsweringOrigin(given, (socket) => socket.end(bytes));

const CAUSES: Record<string, Cause> = {
  "a host name that DNS does not know": {
    target: "https://nowhere.invalid/",
    code: "origin_unreachable",
    reason: /^DNS has no address for the host of "https:\/\/nowhere\.invalid" \((ENOTFOUND|EAI_AGAIN)\)$/,
    hint: /typing error/,
  },
  "a port on which nobody listens": {
    code: "origin_unreachable",
    reason: /^"https:\/\/localhost:\d+" refused the connection$/,
    hint: /start the origin/,
  },
  "a listener that accepts and says nothing": {
    start: silent,
    limits: { connectTimeoutMs: 50 },
    code: "origin_timeout",
    reason: /took too long for the connection and the TLS handshake$/,
    hint: /firewalls/,
  },
  "no response in time": {
    start: (given) => startAnsweringOrigin(given, () => {}),
    limits: { headersTimeoutMs: 50 },
    code: "origin_timeout",
    reason: /sent no response in time$/,
    hint: /what the origin was doing/,
  },
  "half a response head, and then nothing": {
    start: (given) => startAnsweringOrigin(given, (socket) => socket.write("HTTP/1.1 200 OK\r\nx: ")),
    limits: { headersTimeoutMs: 50 },
    code: "origin_timeout",
    reason: /sent no response in time$/,
    hint: /what the origin was doing/,
  },
  "a connection that is closed before the handshake": {
    start: () => startTcpOrigin((socket) => socket.resume().end()),
    code: "origin_tls_failed",
    reason: /closed the connection during the TLS handshake, without an alert$/,
    hint: /openssl s_client -connect localhost:\d+; a server that does not accept "gateway"/,
  },
  "a connection that is closed after the first bytes": {
    start: () => startTcpOrigin((socket) => socket.once("data", () => socket.end())),
    code: "origin_tls_failed",
    reason: /closed the connection during the TLS handshake, without an alert$/,
    hint: /openssl s_client/,
  },
  "a connection that is reset in the handshake": {
    start: () => startTcpOrigin((socket) => socket.once("data", () => socket.resetAndDestroy())),
    code: "origin_tls_failed",
    reason: /closed the connection during the TLS handshake, without an alert$/,
    hint: /openssl s_client/,
  },
  "a server that speaks no TLS": {
    start: () => startTcpOrigin((socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))),
    code: "origin_tls_failed",
    reason: /^the TLS handshake with "https:\/\/localhost:\d+" failed: .*(wrong version number|packet length)/,
    hint: /see whether a TLS server listens there/,
  },
  "a server of TLS 1.1": {
    start: (given) =>
      startTlsOrigin(given, () => {}, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
    code: "origin_tls_failed",
    reason: /alert protocol_version \(70\)$/,
    hint: /which TLS versions, ciphers and key types the origin accepts: openssl s_client/,
  },
  "a connection that is closed after the handshake": {
    start: (given) => startTlsOrigin(given, (socket) => socket.end()),
    code: "origin_unreachable",
    reason: /closed the connection before its response was complete/,
    hint: /a server that does not accept "gateway" may close without saying why/,
  },
  "a connection that is closed after the request": {
    start: saying(""),
    code: "origin_unreachable",
    reason: /closed the connection before its response was complete \(UND_ERR_SOCKET\)$/,
    hint: /look at the origin's log/,
  },
  "a connection that is reset after the request": {
    start: (given) => startAnsweringOrigin(given, resetConnection),
    code: "origin_unreachable",
    reason: /closed the connection before its response was complete/,
    hint: /look at the origin's log/,
  },
  "a connection that is closed in the middle of the head": {
    start: saying("HTTP/1.1 200 OK\r\ncontent-ty"),
    code: "origin_unreachable",
    reason: /closed the connection before its response was complete/,
    hint: /look at the origin's log/,
  },
  "an answer that is no HTTP": {
    start: saying("220 smtp.test ESMTP\r\n"),
    code: "origin_unreachable",
    reason: /^no complete HTTP response came from .*: Response does not match the HTTP\/1.1 protocol/,
    hint: /look at the origin's log/,
  },
  "a head that is too large": {
    start: saying(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}\r\n\r\n`),
    code: "origin_unreachable",
    reason: /^no complete HTTP response came from .*: Headers Overflow Error$/,
    hint: /look at the origin's log/,
  },
  "an upgrade that nobody asked for": {
    start: saying("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
    code: "origin_unreachable",
    reason: /closed the connection before its response was complete/,
    hint: /look at the origin's log/,
  },
};

/** The one event of a failure: a warning that says all of it, and no secret. */
function expectLogged(events: Record<string, unknown>[], answer: Answer, secrets: string[]): void {
  const { failure } = answer;
  expect(events).toMatchObject([
    { level: 40, event: "egress", status: answer.status, certificate: "gateway", ...failure },
  ]);
  for (const secret of secrets) expect(JSON.stringify(events)).not.toContain(secret);
}

describe.each(Object.entries(CAUSES))("%s", (_, { start, target, limits = {}, code, reason, hint }) => {
  it.each(["GET", "POST"])("is told for %s, and logged once", async (method) => {
    await using origin = await (start ?? silent)(pki);
    if (start === undefined) await origin.close();
    await using egress = await startTestEgress({ ...pki.outbound(), limits });
    const question: Question = { method, headers: { authorization: "Bearer secret" } };
    if (method === "POST") question.body = "body-secret";
    const answer = await egress.ask(target ?? `${origin.url}/path-secret?query-secret`, question);
    expect(answer).toMatchObject({ status: 522, failure: { code } });
    expect(answer.failure?.reason).toMatch(reason);
    expect(answer.failure?.hint).toMatch(hint);
    await egress.waitForEvents();
    expectLogged(egress.events, answer, ["secret", egress.token, "PRIVATE KEY"]);
    await until(() => origin.sockets.size === 0);
  });
});

describe("a server certificate", () => {
  const UNTRUSTED: Record<
    string,
    { issue: (given: TestPki) => Promise<IssuedCertificate>; reason: RegExp; hint: RegExp }
  > = {
    "of an unknown CA": {
      issue: async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issueServer(),
      reason: /without the intermediates up to a root that is trusted here: unable to verify the first certificate/,
      hint: /sallyport origin-ca create/,
    },
    "that is self-signed": {
      issue: () =>
        createSelfSignedCertificate({
          subject: "CN=localhost",
          subjectAlternativeNames: ["dns:localhost"],
          extendedKeyUsage: ["serverAuth"],
        }),
      reason: /is self-signed, and no CA that is trusted here/,
      hint: /sallyport origin-ca create/,
    },
    "of a root that it sends itself": {
      issue: async () => {
        const root = await createCertificateAuthority({ subject: "CN=rogue" });
        const server = await root.issueServer();
        return { ...server, chainPem: server.certificatePem + root.certificatePem };
      },
      reason: /comes from a root that is not trusted here: self-signed certificate in certificate chain/,
      hint: /sallyport origin-ca create/,
    },
    "for another name": {
      issue: ({ originCa }) => originCa.issueServer({ hostnames: ["other.test"], ips: [] }),
      reason: /is for other host names: .*other\.test/,
      hint: /use a host name that its certificate has/,
    },
    "for another name, with this one in its subject": {
      issue: ({ originCa }) => originCa.issueServer({ subject: "CN=localhost", hostnames: ["other.test"] }),
      reason: /is for other host names: .*other\.test/,
      hint: /use a host name that its certificate has/,
    },
    "that has expired": {
      issue: ({ originCa }) =>
        originCa.issueServer({ notAfter: new Date(Date.now() - DAY_MS), notBefore: new Date(0) }),
      reason: /has expired: certificate has expired/,
      hint: /valid now, and look at the clocks/,
    },
    "that is not yet valid": {
      issue: ({ originCa }) => originCa.issueServer({ notBefore: new Date(Date.now() + DAY_MS) }),
      reason: /is not yet valid: certificate is not yet valid/,
      hint: /valid now, and look at the clocks/,
    },
    "for clients": {
      issue: ({ originCa }) => originCa.issueServer({ extendedKeyUsage: ["clientAuth"] }),
      reason: /is not for servers: unsu.*purpose/,
      hint: /openssl s_client/,
    },
    "without its intermediate": {
      issue: async ({ originCa }) => {
        const server = await (await originCa.issueIntermediate({ subject: "CN=middle" })).issueServer();
        return { ...server, chainPem: server.certificatePem };
      },
      reason: /comes without the intermediates/,
      hint: /have the origin send its intermediates/,
    },
  };
  const cases = Object.entries(UNTRUSTED).flatMap(([name, one]) =>
    PROTOCOLS.map((protocol) => ({ name, protocol, ...one })),
  );

  it.each(cases)("$name is not accepted over $protocol", async ({ protocol, issue, reason, hint }) => {
    const { chainPem: cert, keyPem: key } = await issue(pki);
    await using origin = await startOrigin(pki, { protocol, tls: { cert, key } });
    await using egress = await startTestEgress(pki.outbound());
    for (const method of ["GET", "POST"]) {
      const answer = await egress.ask(`${origin.url}/`, { method });
      expect(answer).toMatchObject({ status: 522, failure: { code: "origin_certificate_untrusted" } });
      expect(answer.failure?.reason).toMatch(reason);
      expect(answer.failure?.hint).toMatch(hint);
    }
    expect(origin.requests).toEqual([]);
    await egress.waitForEvents(2);
  });

  it("is accepted with an intermediate, and for an address that it names", async () => {
    const middle: CertificateAuthority = await pki.originCa.issueIntermediate({ subject: "CN=middle" });
    const { chainPem: cert, keyPem: key } = await middle.issueServer({ hostnames: [], ips: ["127.0.0.1"] });
    await using origin = await startOrigin(pki, { tls: { cert, key } });
    await using egress = await startTestEgress(pki.outbound());
    expect((await egress.ask(`https://127.0.0.1:${origin.port}/`)).status).toBe(200);
    expect((await egress.ask(`${origin.url}/`)).failure?.code).toBe("origin_certificate_untrusted");
  });

  it("of a CA that the project did not name is not accepted, whichever it named", async () => {
    await using origin = await startOrigin(pki);
    await using egress = await startTestEgress({ ...pki.outbound(), originCas: [pki.clientCa.certificatePem] });
    expect((await egress.ask(`${origin.url}/`)).failure?.code).toBe("origin_certificate_untrusted");
  });
});
