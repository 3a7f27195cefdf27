/** The policy as a client and a handler meet it, with assertions that are really signed. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/contract/project.ts";
import type { TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { ZuploRequest } from "../../src/runtime/index.ts";
import { issueLeaf } from "./certificate.ts";
import { captureConsole } from "./console.ts";
import {
  assertionFor,
  EDGE_VARIABLES,
  echo,
  FINGERPRINT,
  ISSUER,
  mtlsPolicy,
  project,
  route,
  sign,
  startWorker,
  throughEdge,
  userPolicy,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();

interface Parts {
  options?: JsonObject;
  client?: TlsClientAuth;
  anchors?: { id: string; name: string }[];
  variables?: Record<string, unknown>;
  before?: (request: ZuploRequest) => ZuploRequest;
  environment?: string;
}

async function send({ options = { certIssuerDN: ISSUER }, client = verifiedClient(), ...parts }: Parts = {}) {
  const definition = project({
    routes: [route("/", { inbound: parts.before ? ["before", "mtls"] : ["mtls"] })],
    policies: [mtlsPolicy("mtls", options), ...(parts.before ? [userPolicy("before")] : [])],
  });
  const modules = { "./modules/handler": { default: echo }, "./modules/policies": { before: parts.before } };
  const worker = startWorker(definition, modules, { variables: parts.variables ?? EDGE_VARIABLES });
  const { anchors, environment = "development" } = parts;
  const token = await sign(assertionFor(client, { environment, ...(anchors && { trustAnchors: anchors }) }));
  const response = await worker.fetch(throughEdge("/", token));
  const body = await response.json<{ user?: ZuploRequest["user"]; code?: string; reason?: string; hint?: string }>();
  return { status: response.status, body };
}

const unverified = verifiedClient({ certVerified: "FAILED:certificate has expired" });
const noCertificate = verifiedClient({ certPresented: "0", certVerified: "NONE" });

describe("enforcing", () => {
  it("attaches metadata and makes the subject the user", async () => {
    const { status, body } = await send();
    expect(status).toBe(200);
    expect(body.user).toEqual({
      sub: "CN=client,O=Example,C=US",
      data: {
        mtlsAuth: {
          subject: "CN=client,O=Example,C=US",
          issuer: ISSUER,
          notBefore: "2026-01-01T00:00:00.000Z",
          notAfter: "2027-01-31T00:00:00.000Z",
          sha256Fingerprint: FINGERPRINT.toUpperCase().replace(/..(?!$)/g, "$&:"),
          verified: true,
        },
      },
    });
  });

  it("keeps the sub that an earlier policy set, and its data", async () => {
    const { body } = await send({
      before: (request) => new ZuploRequest(request, { user: { sub: "key-7", data: { plan: "gold" } } }),
    });
    expect(body.user).toMatchObject({ sub: "key-7", data: { plan: "gold", mtlsAuth: { verified: true } } });
  });

  it.each(["CN=example-ca, O=Example, C=US", "cn=EXAMPLE-CA,o=example,c=us", "CN=example-ca , O=Example ,C=US"])(
    "accepts the issuer however it is written: %s",
    async (certIssuerDN) => {
      expect((await send({ options: { certIssuerDN } })).status).toBe(200);
    },
  );

  it.each([
    ["another order of RDNs", "C=US,O=Example,CN=example-ca"],
    ["another issuer", "CN=other-ca,O=Example,C=US"],
    ["a part of the name", "CN=example-ca,O=Example"],
  ])("rejects %s and prints the line to paste", async (_, certIssuerDN) => {
    const { status, body } = await send({ options: { certIssuerDN } });
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "client_certificate_rejected" });
    expect(body.hint).toContain(`"certIssuerDN": ${JSON.stringify(ISSUER)}`);
  });

  it("does not take an issuer for another that prints alike in another notation", async () => {
    const client = verifiedClient({ certIssuerDNRFC2253: "CN=example-ca\\,O=Example,C=US" });
    expect((await send({ client })).status).toBe(401);
  });

  it("accepts any of several issuers", async () => {
    const options = { certIssuerDN: "CN=old", certIssuerDNs: ["CN=older", ISSUER] };
    expect((await send({ options })).status).toBe(200);
  });

  it("asks for a certificate where none was presented", async () => {
    const { status, body } = await send({ client: noCertificate });
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "client_certificate_required", reason: "no client certificate was presented" });
  });

  it.each([
    ["certificate has expired", "issue a new certificate"],
    ["unable to get local issuer certificate", "cat client.pem intermediate.pem"],
    ["self-signed certificate", "signs itself"],
    ["unsuitable certificate purpose", "clientAuth"],
    ["CA certificate was removed", "upload the CA certificate again"],
    ["no CA certificate applies to this server name", "verified domain"],
    ["invalid CA certificate", "CA:TRUE"],
    ["key usage does not include certificate signing", "keyCertSign"],
    ["path length constraint exceeded", "pathlen"],
    ["permitted subtree violation", "name constraints"],
    ["excluded subtree violation", "name constraints"],
    ["unhandled critical extension", "not critical"],
    ["EE certificate key too weak", "2048 bits"],
    ["CA signature digest algorithm too weak", "SHA-256"],
    ["certificate chain too long", "nothing else"],
    ["something that OpenSSL will say one day", "sallyport explain"],
  ])("rejects a certificate that did not verify and says what to do: %s", async (reason, hint) => {
    const { status, body } = await send({ client: verifiedClient({ certVerified: `FAILED:${reason}` }) });
    expect(status).toBe(401);
    expect(body).toMatchObject({ code: "client_certificate_rejected", reason });
    expect(body.hint).toContain(hint);
  });

  it("rejects a revoked certificate although certVerified says SUCCESS", async () => {
    const { status, body } = await send({ client: verifiedClient({ certRevoked: "1" }) });
    expect([status, body.reason]).toEqual([401, "certificate revoked"]);
  });

  it.each([
    ["no issuer", { certIssuerDNRFC2253: "", certIssuerDN: "" }],
    ["a name that does not parse", { certSubjectDNRFC2253: "not a name" }],
    ["a date that does not parse", { certNotAfter: "31.01.2027" }],
    ["a fingerprint of another length", { certFingerprintSHA256: "abcd" }],
  ])("rejects metadata with %s", async (_, parts) => {
    const { status, body } = await send({ client: verifiedClient(parts) });
    expect([status, body.reason]).toEqual([401, "client certificate metadata cannot be read"]);
  });

  it("lets a verified leaf without a subject pass with an empty sub", async () => {
    const { status, body } = await send({ client: verifiedClient({ certSubjectDN: "", certSubjectDNRFC2253: "" }) });
    expect(status).toBe(200);
    expect(body.user?.sub).toBe("");
  });

  it("says nothing about the failed check outside development", async () => {
    const variables = { ...EDGE_VARIABLES, SALLYPORT_ENVIRONMENT: "production" };
    const { status, body } = await send({ variables, environment: "production", client: unverified });
    expect(status).toBe(401);
    expect(log).toMatchObject([
      { message: "client certificate rejected", data: { reason: "certificate has expired" } },
    ]);
    expect(body).not.toHaveProperty("reason");
    expect(body).not.toHaveProperty("hint");
  });
});

describe("an oversized leaf", () => {
  const oversized = verifiedClient({ certRFC9440: "", certRFC9440TooLarge: true });

  it("passes when the issuer matches, without metadata and without a user", async () => {
    const { status, body } = await send({ client: oversized });
    expect([status, body.user]).toEqual([200, undefined]);
    expect(log).toMatchObject([{ level: "warn", message: "client certificate metadata not provided" }]);
  });

  it("is rejected when the issuer does not match", async () => {
    expect((await send({ client: oversized, options: { certIssuerDN: "CN=other" } })).status).toBe(401);
  });

  it("is rejected when a sans rule cannot be judged", async () => {
    const options = { certIssuerDN: ISSUER, allow: { sans: ["dns:client.example.com"] } };
    const { status, body } = await send({ client: oversized, options });
    expect(status).toBe(401);
    expect(body.reason).toContain("client certificate metadata not provided");
  });

  it("passes by a rule that does not need the leaf", async () => {
    const options = { certIssuerDN: ISSUER, allow: { sans: ["dns:other"], sha256Fingerprints: [FINGERPRINT] } };
    expect((await send({ client: oversized, options })).status).toBe(200);
  });
});

describe("a pin on caCertificates", () => {
  const options = { caCertificates: ["demo_ca"] };

  it.each([["demo_ca"], ["mtlsca_1"]])("accepts the anchor by name or id: %s", async (pin) => {
    expect((await send({ options: { caCertificates: [pin] } })).status).toBe(200);
  });

  it("rejects another CA certificate, also one with the same subject", async () => {
    expect((await send({ options, anchors: [{ id: "mtlsca_2", name: "imposter" }] })).status).toBe(401);
  });

  it("rejects a cross-signed chain of which one anchor is not named", async () => {
    const anchors = [
      { id: "mtlsca_1", name: "demo_ca" },
      { id: "mtlsca_2", name: "other_ca" },
    ];
    expect((await send({ options, anchors })).status).toBe(401);
  });

  it("rejects a chain without an anchor", async () => {
    expect((await send({ options, anchors: [] })).status).toBe(401);
  });
});

describe("allow rules", () => {
  const allow = (rules: JsonObject) => send({ options: { certIssuerDN: ISSUER, allow: rules } });

  it.each([FINGERPRINT, FINGERPRINT.toUpperCase(), FINGERPRINT.replace(/..(?!$)/g, "$&:")])(
    "accept a fingerprint in any spelling: %s",
    async (fingerprint) => {
      expect((await allow({ sha256Fingerprints: [fingerprint] })).status).toBe(200);
    },
  );

  it("accept a subject, structurally", async () => {
    expect((await allow({ subjectDNs: ["cn=CLIENT, o=Example, c=US"] })).status).toBe(200);
  });

  it("pass with one matching rule of any list", async () => {
    const rules = { subjectDNs: ["CN=other"], sha256Fingerprints: [FINGERPRINT] };
    expect((await allow(rules)).status).toBe(200);
  });

  it("reject a leaf that no rule names", async () => {
    const { status, body } = await allow({ subjectDNs: ["CN=other"], sha256Fingerprints: ["00".repeat(32)] });
    expect(status).toBe(401);
    expect(body.reason).toContain("no allow rule matches");
  });

  it("accept a subject alternative name of the leaf", async () => {
    const client = verifiedClient({ certRFC9440: await issueLeaf({ dns: "client.example.com" }) });
    const pass = (san: string) => send({ client, options: { certIssuerDN: ISSUER, allow: { sans: [san] } } });
    expect((await pass("dns:*.example.com")).status).toBe(200);
    expect((await pass("dns:client.example.org")).status).toBe(401);
    expect((await pass("uri:spiffe://client.example.com")).status).toBe(401);
  });

  it("reject a leaf whose names cannot be read", async () => {
    expect((await allow({ sans: ["dns:client.example.com"] })).status).toBe(401);
  });
});

describe("passthrough", () => {
  const options = { allowUnauthenticatedRequests: true };

  it("attaches an unverified certificate as unverified and makes nobody of it", async () => {
    const { status, body } = await send({ options, client: unverified });
    expect(status).toBe(200);
    expect(body.user).not.toHaveProperty("sub");
    expect(body.user?.data.mtlsAuth).toMatchObject({ subject: "CN=client,O=Example,C=US", verified: false });
  });

  it("attaches nothing without a certificate", async () => {
    expect(await send({ options, client: noCertificate })).toMatchObject({ status: 200 });
    expect((await send({ options, client: noCertificate })).body.user).toBeUndefined();
  });

  it("vouches for a verified certificate", async () => {
    const { body } = await send({ options });
    expect(body.user).toMatchObject({ sub: "CN=client,O=Example,C=US", data: { mtlsAuth: { verified: true } } });
  });

  it("does not vouch for a certificate of another issuer than the one it names", async () => {
    const { body } = await send({ options: { ...options, certIssuerDN: "CN=other" } });
    expect(body.user).not.toHaveProperty("sub");
    expect(body.user?.data.mtlsAuth?.verified).toBe(false);
  });
});

describe("options", () => {
  const problemsOf = async (options: JsonObject, variables: Record<string, unknown> = {}) => {
    const { status, body } = await send({ options, variables: { ...EDGE_VARIABLES, ...variables } });
    return status === 500 ? body.reason : undefined;
  };

  it("need something to compare with", async () => {
    expect(await problemsOf({})).toContain('"certIssuerDN" is missing');
  });

  it.each([
    [{ certIssuerDN: "nonsense" }, "options.certIssuerDN"],
    [{ certIssuerDN: "" }, "options.certIssuerDN"],
    [{ certIssuerDNs: [ISSUER, "=x"] }, "options.certIssuerDNs.1"],
    [{ certIssuerDN: ISSUER, allow: { sans: ["client"] } }, "options.allow.sans.0"],
    [{ certIssuerDN: ISSUER, allow: { sha256Fingerprints: ["ab:cd"] } }, "options.allow.sha256Fingerprints.0"],
    [{ certIssuerDN: ISSUER, allow: {} }, "options.allow"],
    [{ certIssuerDN: ISSUER, certIsuerDNs: [] }, "certIsuerDNs"],
    [{ caCertificates: [] }, "options.caCertificates"],
  ])("are refused: %j", async (options, path) => {
    expect(await problemsOf(options)).toContain(path);
  });

  it("may come from variables, booleans too", async () => {
    const options = { allowUnauthenticatedRequests: "$env(OPEN)", certIssuerDN: "CN=$env(CA),O=Example,C=US" };
    const variables = { ...EDGE_VARIABLES, OPEN: "false", CA: "example-ca" };
    expect((await send({ options, variables })).status).toBe(200);
    expect((await send({ options, variables, client: unverified })).status).toBe(401);
  });

  it("are refused when a variable that holds a rule is not set", async () => {
    const options = { caCertificates: ["demo_ca"], certIssuerDN: "$env(UNSET)" };
    expect(await problemsOf(options)).toContain("a variable that is not set");
  });

  it("do not see Sallyport's own variables", async () => {
    expect(await problemsOf({ certIssuerDN: "$env(SALLYPORT_ENVIRONMENT)" })).toContain("options.certIssuerDN");
  });
});
