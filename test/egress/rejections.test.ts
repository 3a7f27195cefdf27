/**
 * An origin that does not accept our certificate. Under TLS 1.2 its alert ends the handshake, under TLS 1.3 it comes when
 * ours is over, into a request that may be on its way: what the worker is told must not depend on who was quicker.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { AlertDescription } from "../../fixtures/alb/fatal-alert.ts";
import { createCertificateAuthority, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import { until } from "../edge/harness/until.ts";
import { startTestAlb } from "./harness/alb.ts";
import { startTestEgress } from "./harness/egress.ts";
import { startGate } from "./harness/gate.ts";
import { PROTOCOLS, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";
import { startRejectingOrigin } from "./harness/raw-origin.ts";

const DAY_MS = 86_400_000;
const IN_A_ROW = 30;
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const METHODS = ["GET", "POST"] as const;

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const ABOUT_CERTIFICATE: Record<string, number> = {
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  unknown_ca: 48,
  access_denied: 49,
  decrypt_error: 51,
  certificate_required: 116,
};
const ABOUT_OTHER_THINGS: Record<string, number> = {
  unexpected_message: 10,
  handshake_failure: 40,
  decode_error: 50,
  internal_error: 80,
};

const question = (method: string) => (method === "POST" ? { method, body: Buffer.alloc(100_000) } : { method });
const ways = PROTOCOLS.flatMap((protocol) => VERSIONS.map((version) => ({ protocol, version })));

describe.each(ways)("under $version with $protocol", ({ protocol, version }) => {
  it.each(Object.entries(ABOUT_CERTIFICATE))("%s is about our certificate", async (name, alert) => {
    await using origin = await startRejectingOrigin(pki, { alert, protocol, version });
    await using egress = await startTestEgress(pki.outbound());
    for (const method of METHODS) {
      const { status, failure } = await egress.ask(`${origin.url}/`, question(method));
      expect([method, status, failure?.code]).toEqual([method, 522, "origin_client_certificate_rejected"]);
      expect(failure?.reason).toBe(
        `"${origin.url}" rejected the client certificate "gateway" (cert_gateway) with the TLS alert ${name} (${alert})`,
      );
      expect(failure?.hint).toContain("sallyport mtls-certificate describe --cert-id cert_gateway");
    }
    expect(await egress.waitForEvents(2)).toMatchObject([
      { level: 40, code: "origin_client_certificate_rejected" },
      { level: 40, code: "origin_client_certificate_rejected" },
    ]);
  });

  it.each(Object.entries(ABOUT_OTHER_THINGS))("%s is not", async (name, alert) => {
    await using origin = await startRejectingOrigin(pki, { alert, protocol, version });
    await using egress = await startTestEgress(pki.outbound());
    for (const method of METHODS) {
      const { status, failure } = await egress.ask(`${origin.url}/`, question(method));
      expect([method, status, failure?.code]).toEqual([method, 522, "origin_tls_failed"]);
      expect(failure?.reason).toContain(`the alert ${name} (${alert})`);
    }
  });

  it.each(METHODS)(`%s is told the same ${IN_A_ROW} times in a row, and at once`, async (method) => {
    const alert = AlertDescription.unknownCa;
    await using origin = await startRejectingOrigin(pki, { alert, protocol, version });
    await using egress = await startTestEgress(pki.outbound());
    const ask = async () => (await egress.ask(`${origin.url}/`, question(method))).failure?.reason;
    const reasons = [];
    for (let count = 0; count < IN_A_ROW; count++) reasons.push(await ask());
    reasons.push(...(await Promise.all(Array.from({ length: IN_A_ROW }, ask))));
    expect(new Set(reasons)).toEqual(new Set([expect.stringContaining("unknown_ca (48)")]));
    await until(() => origin.sockets.size === 0);
  });

  it("an origin that accepts it after all is served at once, by whatever had failed before", async () => {
    const tls = { minVersion: version, maxVersion: version };
    await using accepting = await startOrigin(pki, { protocol, tls });
    await using rejecting = await startRejectingOrigin(pki, { alert: AlertDescription.unknownCa, protocol, version });
    let port = rejecting.port;
    await using origin = await startGate(() => port);
    origin.open();
    await using egress = await startTestEgress(pki.outbound());
    const codes = async () => {
      const answers = await Promise.all(METHODS.map((method) => egress.ask(`${origin.url}/`, question(method))));
      return answers.map(({ failure }) => failure?.code);
    };
    const rejected = METHODS.map(() => "origin_client_certificate_rejected");
    for (let turn = 0; turn < 3; turn++) {
      port = rejecting.port;
      for (let count = 0; count < 3; count++) expect(await codes()).toEqual(rejected);
      port = accepting.port;
      expect(await codes()).toEqual([undefined, undefined]);
      // So that the next turn needs a new connection.
      for (const connection of accepting.connections) connection.destroy();
      await until(() => accepting.connections.size === 0);
      // Until the egress has seen that they are gone, too.
      port = rejecting.port;
      while ((await egress.ask(`${origin.url}/`)).failure?.code !== "origin_client_certificate_rejected");
    }
  });
});

describe.each(PROTOCOLS)("an alert that got lost in a reset, over %s,", (protocol) => {
  it.each(METHODS)("is asked for once more, and %s is told", async (method) => {
    const options = { alert: AlertDescription.unknownCa, protocol, version: "TLSv1.3", losesFirstAlert: true } as const;
    await using origin = await startRejectingOrigin(pki, options);
    await using egress = await startTestEgress(pki.outbound());
    const { failure } = await egress.ask(`${origin.url}/`, question(method));
    expect(failure?.reason).toContain("unknown_ca (48)");
    expect(origin.connections).toBe(2);
  });

  it("and is not to be had is a connection that was closed", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(pki.outbound());
    origin.onRequest = () => {
      for (const connection of origin.connections) connection.destroy();
    };
    const { failure } = await egress.ask(`${origin.url}/`, question("POST"));
    expect([failure?.code, failure?.reason]).toEqual(["origin_unreachable", expect.stringContaining("closed")]);
    // The connection that asked says nothing, and does not stay.
    expect(origin.requests).toHaveLength(1);
    await until(() => origin.connections.size === 0);
  });
});

describe("an ALB", () => {
  const REJECTED: Record<
    string,
    { issue: (given: TestPki) => Promise<Pick<IssuedCertificate, "chainPem" | "keyPem">>; alert: string }
  > = {
    "an unknown CA's certificate": {
      issue: async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issue({ subject: "CN=x" }),
      alert: "unknown_ca (48)",
    },
    "one without its intermediate": {
      issue: async ({ clientCa }) => {
        const leaf = await (await clientCa.issueIntermediate({ subject: "CN=middle" })).issue({ subject: "CN=x" });
        return { chainPem: leaf.certificatePem, keyPem: leaf.keyPem };
      },
      alert: "unknown_ca (48)",
    },
    "one that is not yet valid": {
      issue: ({ clientCa }) => clientCa.issue({ subject: "CN=x", notBefore: new Date(Date.now() + DAY_MS) }),
      alert: "bad_certificate (42)",
    },
    "a server's": {
      issue: ({ clientCa }) => clientCa.issue({ subject: "CN=x", extendedKeyUsage: ["serverAuth"] }),
      alert: "unsupported_certificate (43)",
    },
    "one with an Ed25519 key": {
      issue: ({ clientCa }) => clientCa.issue({ subject: "CN=x", key: "ed25519" }),
      alert: "unsupported_certificate (43)",
    },
    "one with an altered signature": {
      issue: async ({ clientCa }) => flipSignatureBit(await clientCa.issue({ subject: "CN=x" })),
      alert: "decrypt_error (51)",
    },
    "one that its owner refuses": {
      issue: ({ clientCa }) => clientCa.issue({ subject: "CN=refused" }),
      alert: "bad_certificate (42)",
    },
  };

  it.each(Object.entries(REJECTED))("says to %s that it is rejected, and why", async (_, { issue, alert }) => {
    const client = await issue(pki);
    for (const version of VERSIONS) {
      const acceptClient = ({ subject }: { subject: string }) => subject !== "CN=refused";
      await using alb = await startTestAlb(pki, { acceptClient, minVersion: version, maxVersion: version });
      await using egress = await startTestEgress(pki.outbound({ gateway: upload(client) }));
      for (const method of METHODS) {
        const { failure } = await egress.ask(`${alb.url}/`, question(method));
        expect(failure?.code).toBe("origin_client_certificate_rejected");
        expect(failure?.reason).toContain(alert);
      }
    }
  });

  it("that finds ours expired leaves a hint with the date and the command to run", async () => {
    const notAfter = new Date(Math.floor((Date.now() - DAY_MS) / 1000) * 1000);
    const client = await pki.clientCa.issue({ subject: "CN=late", notBefore: new Date(0), notAfter });
    await using alb = await startTestAlb(pki);
    await using egress = await startTestEgress(pki.outbound({ gateway: upload(client) }));
    const { failure } = await egress.ask(`${alb.url}/`);
    expect(failure).toEqual({
      code: "origin_client_certificate_rejected",
      reason: expect.stringContaining("certificate_expired (45)"),
      hint: `"gateway" expired on ${notAfter.toISOString()}, upload a new one: sallyport mtls-certificate update --cert-id cert_gateway --cert new.pem --key new.key`,
    });
  });

  it("that rejects one certificate goes on accepting the other", async () => {
    const rogue = await (await createCertificateAuthority({ subject: "CN=rogue" })).issue({ subject: "CN=x" });
    await using alb = await startTestAlb(pki);
    const certificates = { gateway: upload(pki.gateway), rogue: upload(rogue) };
    await using egress = await startTestEgress(pki.outbound(certificates));
    const names = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? "gateway" : "rogue"));
    const answers = await Promise.all(names.map((certificate) => egress.ask(`${alb.url}/`, { certificate })));
    expect(answers.map(({ status }) => status)).toEqual(names.map((name) => (name === "gateway" ? 200 : 522)));
  });
});
