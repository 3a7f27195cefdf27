/** `clientCertificate()` in front of the whole gateway: what the edge would say, the gateway believes. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/contract/project.ts";
import { encodePem } from "../../src/x509/pem.ts";
import { type ClientCertificateOptions, clientCertificate, noClientCertificate } from "../../testing/worker/index.ts";
import { issueLeaf } from "../../testing/worker/issue-certificate.ts";
import { captureConsole } from "../worker/console.ts";
import { mtlsPolicy, project, route, startWorker } from "../worker/support.ts";
import { askGateway, fetchGateway } from "./gateway.ts";

captureConsole();
const HOUR_MS = 60 * 60 * 1_000;

describe("a client with a certificate", () => {
  it("is known by the name in it", async () => {
    const response = await fetchGateway(
      "/v1/example",
      await clientCertificate({ subject: "CN=billing,O=Example,C=US" }),
    );
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("Hello, CN=billing,O=Example,C=US");
  });

  it("of another issuer is refused, and both names are said", async () => {
    const answer = await askGateway("/v1/example", await clientCertificate({ issuer: "CN=someone-else,C=DE" }));
    expect(answer).toMatchObject({ status: 401, code: "client_certificate_rejected" });
    expect(answer.reason).toContain("CN=someone-else,C=DE");
  });

  it.each([
    ["CN=only", "CN=only"],
    ["CN=a\\, b + serialNumber=7, DC=example, DC=com", "CN=a\\, b+serialNumber=7,DC=example,DC=com"],
    ["OU=Ü", "OU=\\C3\\9C"],
  ])("has the subject %s, which is printed as OpenSSL prints it", async (subject, printed) => {
    const { user } = await askGateway("/v1/optional", await clientCertificate({ subject }));
    expect(user?.data.mtlsAuth).toMatchObject({ subject: printed, verified: true });
  });

  it("is one that can be read: SANs, extended key usage, and the key of its issuer", async () => {
    const headers = await clientCertificate({ sans: ["uri:spiffe://example.com/billing", "dns:billing.example.com"] });
    const { incomingRequestProperties } = await askGateway("/v1/inspect", headers);
    const der = atob(String(incomingRequestProperties?.clientCert).slice(1, -1));
    expect(der).toContain("spiffe://example.com/billing");
    expect(der).toContain("billing.example.com");
  });

  it("can be one that the test has", async () => {
    const validity = { notBefore: new Date(Date.now() - HOUR_MS), notAfter: new Date(Date.now() + HOUR_MS) };
    const names = { subject: "CN=partner", issuer: "CN=example-ca,O=Example,C=US", sans: [] };
    const { leaf } = await issueLeaf({ ...names, ...validity });
    const response = await fetchGateway(
      "/v1/example",
      await clientCertificate({ pem: encodePem("CERTIFICATE", leaf) }),
    );
    expect(await response.text()).toBe("Hello, CN=partner");
  });
});

describe("a policy", () => {
  /** What a route with these options answers to the client of this run. */
  async function judge(options: JsonObject, client: ClientCertificateOptions): Promise<number> {
    const definition = project({
      routes: [route("/", { inbound: ["mtls"] })],
      policies: [mtlsPolicy("mtls", options)],
    });
    const modules = { "./modules/handler": { default: () => "passed" } };
    const worker = startWorker(definition, modules, { variables: { ...env }, now: () => new Date() });
    const headers = await clientCertificate(client);
    return (await worker.fetch(new Request("https://localhost/", { headers }))).status;
  }

  it.each([
    ["its default CA certificate", { caCertificates: ["demo_ca"] }, {}, 200],
    ["another one that is named", { caCertificates: ["acme_ca"] }, { caCertificates: ["acme_ca"] }, 200],
    ["one that is not pinned", { caCertificates: ["demo_ca"] }, { caCertificates: ["acme_ca"] }, 401],
  ])("pins CA certificates: %s", async (_, options, client, status) => {
    expect(await judge(options, client)).toBe(status);
  });

  it("reads SANs out of the certificate", async () => {
    const options = { caCertificates: ["demo_ca"], allow: { sans: ["uri:spiffe://example.com/billing"] } };
    expect(await judge(options, { sans: ["dns:a.example", "uri:spiffe://example.com/billing"] })).toBe(200);
    expect(await judge(options, { sans: ["uri:spiffe://example.com/other"] })).toBe(401);
  });
});

describe("a verdict", () => {
  it.each([
    [{ verdict: "FAILED:unable to get local issuer certificate" } as const, "unable to get local issuer certificate"],
    [{ notAfter: new Date(Date.now() - HOUR_MS) }, "certificate has expired"],
    [{ notBefore: new Date(Date.now() + HOUR_MS) }, "certificate is not yet valid"],
  ])("of failure has its reason: %j", async (options, reason) => {
    const headers = await clientCertificate(options);
    expect(await askGateway("/v1/example", headers)).toMatchObject({ status: 401, reason });
    expect(await askGateway("/v1/optional", headers)).toMatchObject({
      clientMtlsVerificationStatus: "FAILED",
      clientMtlsVerificationReason: reason,
    });
  });

  it("of success stands over the dates when the test says so", async () => {
    const headers = await clientCertificate({ verdict: "SUCCESS", notAfter: new Date(Date.now() - HOUR_MS) });
    expect((await fetchGateway("/v1/example", headers)).status).toBe(200);
  });

  it("is not there without a certificate", async () => {
    const answer = await askGateway("/v1/example", await noClientCertificate());
    expect(answer).toMatchObject({ status: 401, code: "client_certificate_required" });
  });
});

describe("the request", () => {
  it("is for the host that is asked for, and from the address that is given", async () => {
    const headers = await clientCertificate({ host: "api.example.com", address: "198.51.100.7" });
    const { url, headers: seen } = await askGateway("/v1/inspect", headers);
    expect(url).toBe("https://api.example.com/v1/inspect");
    expect(Object.keys(seen ?? {}).filter((name) => name.startsWith("sallyport-"))).toEqual([]);
  });

  it("is nobody's with the headers of another host: the assertion is a real one", async () => {
    const headers = { ...(await clientCertificate()), host: "other.example.com" };
    expect((await fetchGateway("/v1/example", headers)).status).toBe(401);
  });

  it("is nobody's with a signature of another key", async () => {
    const headers = await clientCertificate();
    const { "sallyport-edge-assertion": token } = headers;
    const forged = { ...headers, "sallyport-edge-assertion": `${token.slice(0, -4)}AAAA` };
    expect((await fetchGateway("/v1/example", forged)).status).toBe(401);
  });
});

it("the signing key is a new one of this run, and user code does not see it", async () => {
  const bindings: Record<string, unknown> = { ...env };
  const key = JSON.parse(String(bindings.SALLYPORT_TEST_SIGNING_KEY));
  expect(JSON.parse(String(bindings.SALLYPORT_EDGE_JWKS)).keys).toMatchObject([{ x: key.x, kid: key.kid }]);
  const { environment } = await import("../../src/runtime/environment.ts");
  expect(Object.keys(environment).filter((name) => name.startsWith("SALLYPORT_"))).toEqual([]);
});

it.each([
  [{ subject: "no name" }, '"no name" is not a distinguished name'],
  [{ sans: ["url:https://a.example" as never] }, "allowed: dns:, uri:, email: and ip:"],
  [{ host: "not a host" }, '"not a host" is not a host name'],
  [{ pem: "not PEM" }, '"pem" is not a certificate'],
])("misuse is told: %j", async (options, message) => {
  await expect(clientCertificate(options)).rejects.toThrow(message);
});
