/** From a name to the certificate that an origin sees: the right one, or none and a reason. */
import { X509Certificate } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createEgressTokens } from "../../edge-shim/egress/token.ts";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import type { EnvironmentType } from "../../src/contract/egress.ts";
import { startTestAlb, subjectIn } from "./harness/alb.ts";
import { startTestEgress, TEST_SECRET, type UploadedCertificate } from "./harness/egress.ts";
import { PROTOCOLS, type SeenRequest, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

describe("a name", () => {
  /** Asks for `gateway` where it is as given: the origin must not hear of it. */
  async function refusalOf(uploaded: Partial<UploadedCertificate>, environment = "development") {
    await using origin = await startOrigin(pki);
    const certificates = { gateway: { ...upload(pki.gateway), ...uploaded } };
    await using egress = await startTestEgress({ ...pki.outbound(certificates), environment });
    const answer = await egress.ask(`${origin.url}/`);
    expect([answer.status, origin.handshakes]).toEqual([500, []]);
    return answer.failure;
  }

  it("that is not found says how to upload it", async () => {
    await using egress = await startTestEgress(pki.outbound());
    const { status, failure } = await egress.ask("https://localhost/", { certificate: "nobody" });
    expect(status).toBe(500);
    expect(failure).toEqual({
      code: "mtls_certificate_not_found",
      reason: '"nobody" is not an mTLS certificate of the project "acme/shop"',
      hint: expect.stringContaining("sallyport mtls-certificate create --name nobody"),
    });
  });

  it.each(["__proto__", "constructor", "toString", "", "Gateway"])("%j is not found either", async (certificate) => {
    await using egress = await startTestEgress(pki.outbound());
    const { failure } = await egress.ask("https://localhost/", { certificate });
    expect(failure?.code).toBe("mtls_certificate_not_found");
  });

  it("of another project is not found, with that other project's token", async () => {
    await using egress = await startTestEgress(pki.outbound());
    const token = createEgressTokens(TEST_SECRET).issue("acme/other");
    const { failure } = await egress.ask("https://localhost/", { project: "acme/other", token });
    expect(failure?.reason).toBe('"gateway" is not an mTLS certificate of the project "acme/other"');
  });

  it("that is disabled is not presented", async () => {
    expect(await refusalOf({ isDisabled: true })).toEqual({
      code: "mtls_certificate_disabled",
      reason: '"gateway" (cert_gateway) is disabled',
      hint: expect.stringContaining("mtls-certificate update --cert-id cert_gateway --environment-type development"),
    });
  });

  it("that is for other types of environment is not presented", async () => {
    const failure = await refusalOf({ environmentTypes: ["production"] }, "staging");
    expect(failure).toEqual({
      code: "mtls_certificate_disabled",
      reason: '"gateway" (cert_gateway) is not enabled for preview environments, it is for: production',
      hint: expect.stringContaining("--environment-type production --environment-type preview"),
    });
  });

  it.each<[string, EnvironmentType]>([
    ["development", "development"],
    ["production", "production"],
    ["staging", "preview"],
  ])("is presented in %s where it is for %s", async (environment, type) => {
    await using origin = await startOrigin(pki);
    const certificates = { gateway: upload(pki.gateway, { environmentTypes: [type] }) };
    await using egress = await startTestEgress({ ...pki.outbound(certificates), environment });
    expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
  });

  it("whose private key is not here says why", async () => {
    await using egress = await startTestEgress(pki.outbound({ gateway: { chainPem: pki.gateway.chainPem } }));
    const { failure } = await egress.ask("https://localhost/");
    expect(failure).toMatchObject({
      code: "mtls_certificate_not_found",
      reason: expect.stringContaining("the private key"),
      hint: expect.stringContaining("SALLYPORT_MASTER_KEY"),
    });
  });

  it.each([
    ["whose key is another's", () => pki.server.keyPem],
    ["whose key is damaged", () => pki.gateway.keyPem.replace(/\n.{20}/, "\n")],
  ])("%s is not the origin's fault, and the key stays out of the answer", async (_, keyPem) => {
    const failure = await refusalOf({ keyPem: keyPem() });
    expect(failure?.code).toBe("mtls_certificate_not_found");
    expect(failure?.reason).toContain('"gateway" (cert_gateway) cannot be used: ');
    expect(failure?.hint).toContain("sallyport mtls-certificate update --cert-id cert_gateway");
    expect(JSON.stringify(failure)).not.toMatch(/[A-Za-z0-9+/]{40}/);
  });
});

describe("keys", () => {
  const KEYS = ["rsa-2048", "ec-p256", "ec-p384", "ed25519"] as const;

  it.each(KEYS.flatMap((key) => (["TLSv1.2", "TLSv1.3"] as const).map((version) => ({ key, version }))))(
    "$key signs a $version handshake",
    async ({ key, version }) => {
      const client = await pki.clientCa.issue({ subject: "CN=keyed", key });
      await using origin = await startOrigin(pki, { tls: { minVersion: version, maxVersion: version } });
      await using egress = await startTestEgress(pki.outbound({ gateway: upload(client) }));
      expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
      expect(origin.handshakes).toEqual(["keyed"]);
    },
  );
});

describe("intermediates", () => {
  it.each([1, 2])("are sent, %i of them, to an origin that knows the root only", async (count) => {
    let authority = pki.clientCa;
    for (let depth = 0; depth < count; depth++) {
      authority = await authority.issueIntermediate({ subject: `CN=middle-${depth}` });
    }
    const deep = await authority.issue({ subject: "CN=deep" });
    expect(deep.chainPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(1 + count);
    await using alb = await startTestAlb(pki);
    await using egress = await startTestEgress(pki.outbound({ gateway: upload(deep) }));
    expect(subjectIn((await egress.ask(`${alb.url}/`)).text)).toBe("CN=deep");
  });

  it("that are missing are missed by the origin, not by us", async () => {
    const middle = await pki.clientCa.issueIntermediate({ subject: "CN=middle" });
    const { certificatePem, keyPem } = await middle.issue({ subject: "CN=deep" });
    await using alb = await startTestAlb(pki);
    await using egress = await startTestEgress(pki.outbound({ gateway: { chainPem: certificatePem, keyPem } }));
    const { failure } = await egress.ask(`${alb.url}/`);
    expect(failure?.code).toBe("origin_client_certificate_rejected");
    expect(failure?.hint).toContain("send them after the leaf");
  });
});

describe("two certificates to one origin", () => {
  const REQUESTS = 400;

  async function createTwo() {
    const other = await pki.clientCa.issue({ subject: "CN=other" });
    return pki.outbound({ gateway: upload(pki.gateway), other: upload(other) });
  }

  it.each(PROTOCOLS)("never get mixed up over %s, however the requests are interleaved", async (protocol) => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(await createTwo());
    const names = Array.from({ length: REQUESTS }, (_, index) => (index % 2 === 0 ? "gateway" : "other"));
    const answers = await Promise.all(names.map((certificate) => egress.ask(`${origin.url}/`, { certificate })));
    expect(answers.map(({ text }) => (JSON.parse(text) as SeenRequest).client)).toEqual(names);
    expect(new Set(origin.handshakes)).toEqual(new Set(["gateway", "other"]));
  });

  it("arrive each with its own at an ALB, and as what the ALB tells its target", async () => {
    await using alb = await startTestAlb(pki);
    await using egress = await startTestEgress(await createTwo());
    const names = Array.from({ length: REQUESTS }, (_, index) => (index % 3 === 0 ? "gateway" : "other"));
    const answers = await Promise.all(
      names.map((certificate, index) => egress.ask(`${alb.url}/${index}`, { certificate, method: "POST", body: "x" })),
    );
    const seen = answers.map(({ text }) => JSON.parse(text));
    expect(seen.map(({ path, clientCertificate }) => [path, clientCertificate.subject])).toEqual(
      names.map((name, index) => [`/${index}`, `CN=${name}`]),
    );
    expect(seen[0].headers).toMatchObject({
      "x-amzn-mtls-clientcert-subject": "CN=gateway",
      "x-amzn-mtls-clientcert-serial-number": new X509Certificate(pki.gateway.certificatePem).serialNumber,
    });
  });
});

describe("public CAs", () => {
  const defaults = getCACertificates("default");
  afterEach(() => setDefaultCACertificates(defaults));

  it.each([
    ["that names none of its own", () => []],
    ["that does, too", () => [pki.originCa.certificatePem]],
  ])("are trusted by a project %s", async (_, originCas) => {
    const publicCa = await createCertificateAuthority({ subject: "CN=public" });
    setDefaultCACertificates([publicCa.certificatePem]);
    const { chainPem: cert, keyPem: key } = await publicCa.issueServer();
    await using origin = await startOrigin(pki, { tls: { cert, key } });
    await using egress = await startTestEgress({ ...pki.outbound(), originCas: originCas() });
    expect((await egress.ask(`${origin.url}/`)).status).toBe(200);
  });
});

it("an origin that asks for no certificate is served all the same", async () => {
  await using alb = await startTestAlb(pki, { mode: "off" });
  await using egress = await startTestEgress(pki.outbound());
  const answer = await egress.ask(`${alb.url}/`);
  expect([answer.status, subjectIn(answer.text)]).toEqual([200, ""]);
});
