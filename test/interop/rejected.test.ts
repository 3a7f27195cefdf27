/**
 * What an origin does not accept: servers that say so with a TLS alert make it a failure of the gateway's, servers that
 * answer by HTTP have their answer passed on as it is.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSelfSignedCertificate, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { type Answer, type Question, startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki, upload } from "../egress/harness/pki.ts";
import { type ClientPki, createClientPki } from "./clients.ts";
import { inParallel } from "./load.ts";
import { type OriginProgram, PROGRAMS } from "./origins/all.ts";
import { startApache } from "./origins/apache.ts";
import { RULE_ANSWER, startHaproxy } from "./origins/haproxy.ts";
import { startNginx } from "./origins/nginx.ts";
import { startOpenssl } from "./origins/openssl.ts";
import { type Origin, TLS_VERSIONS } from "./origins/origin.ts";

const HOUR_MS = 3_600_000;

/** `error` is OpenSSL's number for it (`X509_V_ERR_…`), where a rule of haproxy's is told */
const CASES = [
  { name: "stranger", what: "of another CA", alert: "unknown_ca (48)", error: /^(20|21)$/ },
  { name: "self_signed", what: "that nobody issued", alert: "unknown_ca (48)", error: /^18$/ },
  { name: "alone", what: "without its intermediate", alert: "unknown_ca (48)", error: /^(20|21)$/ },
  { name: "expired", what: "that has expired", alert: "certificate_expired (45)", error: /^10$/ },
  { name: "early", what: "that is not yet valid", alert: "bad_certificate (42)", error: /^9$/ },
  { name: "server_only", what: "for servers only", alert: "unsupported_certificate (43)", error: /^26$/ },
] as const;
type CaseName = (typeof CASES)[number]["name"];

let pki: TestPki;
let clients: ClientPki;
let egress: TestEgress;
beforeAll(async () => {
  pki = await createTestPki();
  clients = await createClientPki();
  const { root, issuers } = clients;
  const alone = await issuers[1].issue({ subject: "CN=alone" });
  const issued: Record<CaseName | "deep", IssuedCertificate> = {
    stranger: await pki.clientCa.issue({ subject: "CN=stranger" }),
    self_signed: await createSelfSignedCertificate({ subject: "CN=self_signed" }),
    alone: { ...alone, chainPem: alone.certificatePem },
    expired: await root.issue({ subject: "CN=expired", notAfter: new Date(Date.now() - HOUR_MS) }),
    early: await root.issue({ subject: "CN=early", notBefore: new Date(Date.now() + HOUR_MS) }),
    server_only: await root.issue({ subject: "CN=server_only", extendedKeyUsage: ["serverAuth"] }),
    deep: await issuers[2].issue({ subject: "CN=deep" }),
  };
  const uploads = Object.entries(issued).map(([name, certificate]) => [name, upload(certificate)]);
  egress = await startTestEgress(pki.outbound(Object.fromEntries(uploads)));
});
afterAll(() => egress[Symbol.asyncDispose]());

function expectRejected(answer: Answer, alert: string): void {
  expect(answer.status).toBe(522);
  expect(answer.failure?.code).toBe("origin_client_certificate_rejected");
  expect(answer.failure?.reason).toContain(`with the TLS alert ${alert}`);
}

/** What nginx says to all of them, whatever is wrong */
function expectPageOfNginx(answer: Answer): void {
  expect(answer).toMatchObject({ status: 400, failure: undefined });
  expect(answer.headers.server).toMatch(/^nginx\//);
  expect(answer.text).toContain("The SSL certificate error");
}

function expectAnswer(program: OriginProgram, answer: Answer, { alert, error }: (typeof CASES)[number]): void {
  if (program.sendsAlerts) expectRejected(answer, alert);
  else if (program.name === "nginx") expectPageOfNginx(answer);
  else {
    expect(answer).toMatchObject({ status: 403, failure: undefined });
    expect(answer.text.replace(RULE_ANSWER, "")).toMatch(error);
  }
}

describe.each(PROGRAMS)("$name", (program) => {
  describe.each(TLS_VERSIONS)("TLS %s", (tls) => {
    let origin: Origin;
    beforeAll(async () => {
      origin = await program.start({ tls, server: pki.server, clientRoot: clients.root.certificatePem });
    });
    afterAll(() => origin[Symbol.asyncDispose]());

    it.each(CASES)("does not accept a certificate $what", async (rejected) => {
      const answer = await egress.ask(`${origin.url}/`, { certificate: rejected.name });
      expectAnswer(program, answer, rejected);
    });
  });
});

describe.each(TLS_VERSIONS)("a chain that is longer than the origin allows, TLS %s", (tls) => {
  const ask = async (start: OriginProgram["start"]) => {
    await using origin = await start({ tls, server: pki.server, clientRoot: clients.root.certificatePem, depth: 1 });
    return await egress.ask(`${origin.url}/`, { certificate: "deep" });
  };

  it("gets nginx's page", async () => {
    expectPageOfNginx(await ask(startNginx));
  });

  it("is an unknown CA to openssl", async () => {
    expectRejected(await ask(startOpenssl), "unknown_ca (48)");
  });

  it("is an internal error to Apache, which does not say that it is about the certificate", async () => {
    const { failure } = await ask(startApache);
    expect(failure?.code).toBe("origin_tls_failed");
    expect(failure?.reason).toContain("with the alert internal_error (80)");
  });
});

/**
 * Under TLS 1.3 the alert comes after the client's side of the handshake is done and the request is on its way. A server
 * that closes with a part of it unread resets the connection behind its alert: who writes then hears of the reset, and
 * Node throws away what there is to read. The failure then says only that this may be the reason.
 */
describe.each([
  { name: "haproxy", start: startHaproxy },
  { name: "Apache httpd", start: startApache },
])("$name, rejecting many at once", ({ start }) => {
  describe.each(TLS_VERSIONS)("TLS %s", (tls) => {
    const ask200 = async (question: Question) => {
      await using origin = await start({ tls, server: pki.server, clientRoot: clients.root.certificatePem });
      return await inParallel(200, 20, () => egress.ask(`${origin.url}/`, { certificate: "stranger", ...question }));
    };

    it.each([0, 1_000])("tells why, for every request with a body of %i bytes", async (bytes) => {
      const question = bytes === 0 ? {} : { method: "POST", body: Buffer.alloc(bytes) };
      for (const answer of await ask200(question)) expectRejected(answer, "unknown_ca (48)");
    });

    it("tells why, or what may be the reason, for every request with a body of 1 MB", async () => {
      for (const answer of await ask200({ method: "POST", body: Buffer.alloc(1_000_000) })) {
        if (tls === "1.3" && answer.failure?.code === "origin_unreachable") {
          expect(answer.failure.hint).toContain(
            `a server that does not accept "stranger" may close without saying why`,
          );
        } else expectRejected(answer, "unknown_ca (48)");
      }
    });
  });
});
