// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/** Options of the policies that go by tokens and CDNs, and of handlers that tell origins about clients, in the build. */
import { describe, expect, test } from "vitest";
import { sanitizeHeaders } from "../../edge-shim/ingress/sanitize.ts";
import { findProblems, mtlsPolicy, outboundPolicy, POLICIES, route } from "./project-directory.ts";

function problemsOfPolicy(policyType: string, name: string, options: Record<string, unknown>): Promise<string[]> {
  const handler = { export: name, module: "$import(@zuplo/runtime)", options };
  const policies = [mtlsPolicy, outboundPolicy, { name: "mine", policyType, handler }];
  return findProblems({
    [POLICIES]: { policies },
    "config/routes.oas.json": route({ policies: { inbound: ["mine"] } }),
  });
}

const token = (options: Record<string, unknown>) =>
  problemsOfPolicy("certificate-bound-token-inbound", "CertificateBoundTokenInboundPolicy", options);
const cdn = (options: Record<string, unknown>) =>
  problemsOfPolicy("cdn-identity-inbound", "CdnIdentityInboundPolicy", options);

const expectProblem = (problems: string[], problem: string) => {
  expect(problems).toContainEqual(expect.stringContaining(problem));
  expect(problems[0]).toMatch(/^config\/policies\.json: policies\[2\]\.handler\.options/);
};

const AUDIENCE = "https://api.example.com";
const PUBLIC_KEY = { kty: "EC", crv: "P-256", x: "x", y: "y" };

describe("certificate-bound-token-inbound", () => {
  test.each([
    [{ issuer: "https://login.example", audience: AUDIENCE }],
    [{ jwksUrl: "https://login.example/keys", audience: [AUDIENCE, "other"], algorithms: ["ES256", "EdDSA"] }],
    [{ jwks: { keys: [PUBLIC_KEY] }, audience: AUDIENCE, clockToleranceSeconds: 0 }],
    [{ issuer: "http://127.0.0.1:8080/realms/a", audience: AUDIENCE }],
    [{ issuer: "$env(ISSUER)", audience: "$env(AUDIENCE)", clockToleranceSeconds: "$env(SECONDS)" }],
  ])("builds with %j", async (options) => {
    expect(await token(options)).toEqual([]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ issuer: "https://login.example" }, 'options.audience: "audience" is not the name of this API'],
    [{ issuer: "https://login.example", audience: "" }, 'options.audience: "" is too short'],
    [{ issuer: "https://login.example", audience: [] }, "options.audience: [] is too short"],
    [{ audience: AUDIENCE }, 'options.issuer: "issuer" is missing: one of issuer, jwksUrl, jwks'],
    [{ issuer: "login.example", audience: AUDIENCE }, '.issuer: "login.example" is not the URL of a server of keys'],
    [{ issuer: "http://login.example", audience: AUDIENCE }, '.issuer: "http://login.example" is not the URL of'],
    [{ issuer: "https://login.example?a=b", audience: AUDIENCE }, "it has a query, which an issuer never has"],
    [{ jwksUrl: "https://u:p@login.example", audience: AUDIENCE }, "options.jwksUrl: "],
    [
      { jwksUrl: "https://a.example", jwks: { keys: [PUBLIC_KEY] }, audience: AUDIENCE },
      '"jwks" stands beside jwksUrl',
    ],
    [{ jwks: { keys: [] }, audience: AUDIENCE }, "options.jwks.keys: [] is too short"],
    [{ jwks: { keys: [{ kty: "oct", k: "x" }] }, audience: AUDIENCE }, '"kty" is "oct", allowed: RSA, EC, OKP'],
    [{ jwks: { keys: [{ ...PUBLIC_KEY, d: "x" }] }, audience: AUDIENCE }, '"d" makes a private key of it'],
    [{ jwks: { keys: ["x"] }, audience: AUDIENCE }, '"kty" is missing, allowed: RSA, EC, OKP'],
    [{ jwksUrl: "https://a.example", audience: AUDIENCE, algorithms: ["HS256"] }, '"HS256" is not allowed here'],
    [{ jwksUrl: "https://a.example", audience: AUDIENCE, algorithms: ["none"] }, '"none" is not allowed here'],
    [{ jwksUrl: "https://a.example", audience: AUDIENCE, algorithms: [] }, "options.algorithms: [] is too short"],
    [{ jwksUrl: "https://a.example", audience: AUDIENCE, clockToleranceSeconds: -1 }, "options.clockToleranceSeconds"],
    [{ jwksUrl: "https://a.example", audience: AUDIENCE, clockToleranceSeconds: 301 }, "options.clockToleranceSeconds"],
    [
      { jwksUrl: "https://a.example", audience: AUDIENCE, aud: "x" },
      '"aud" is not a key here, allowed: issuer, jwksUrl',
    ],
  ])("does not build with %j", async (options, problem) => {
    expectProblem(await token(options), problem);
  });
});

describe("cdn-identity-inbound", () => {
  const SECRET = { header: "x-cdn-secret", values: ["$env(CDN_SECRET)"] };

  test.each([
    [{ secret: SECRET }],
    [{ signature: { secrets: ["$env(A)", "$env(B)"], maxAgeSeconds: 30 } }],
    [{ clientCertificate: { certIssuerDN: "CN=cdn-ca" }, secret: SECRET }],
  ])("builds with the proof %j", async (proof) => {
    expect(await cdn({ identityHeader: "X-Verified-Client", proof })).toEqual([]);
  });

  test.each<[unknown, string]>([
    [undefined, 'options.proof: "proof" is missing'],
    [{}, 'options.proof: "proof" is empty, expected at least one of clientCertificate, secret, signature'],
    [{ clientCertificate: {} }, '"clientCertificate" has no rule, expected at least one of certIssuerDN'],
    [{ clientCertificate: { certIssuerDN: "x" } }, '"x" is not a distinguished name'],
    [{ secret: { header: "x-cdn-secret", values: [] } }, "options.proof.secret.values: [] is too short"],
    [{ secret: { header: "x-cdn-secret", values: ["short"] } }, "options.proof.secret.values[0]: is not a secret"],
    [{ secret: { ...SECRET, header: "x cdn" } }, '"x cdn" is not a header name'],
    [{ signature: { secrets: ["short"] } }, "options.proof.signature.secrets[0]: is not a secret"],
    [{ signature: { secrets: ["$env(A)"], maxAgeSeconds: 0 } }, "options.proof.signature.maxAgeSeconds"],
    [{ signature: { secrets: ["$env(A)"], maxAgeSeconds: 3600 } }, "3600 is too large, expected: 300 or less"],
    [{ token: SECRET }, '"token" is not a key here, allowed: clientCertificate, secret, signature'],
  ])("does not build with the proof %j", async (proof, problem) => {
    expectProblem(await cdn({ identityHeader: "x-verified-client", proof }), problem);
  });

  const names = [
    ...["Client-Cert", "client_cert_chain", "X-Forwarded-Client-Cert", "X-SSL-Client-S-DN", "SSL-Client-Cert"],
    ...["X-Client-Cert", "X-Client-Certificate", "X-Amzn-Mtls-Clientcert", "CF-Client-Cert", "cf", "MF-Client"],
    ...["Forwarded", "True-Client-IP", "X-Real-IP", "X_Real_IP", "Host", "Connection", "Keep-Alive", "TE", "Trailer"],
    ...["Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Upgrade", "Expect", "Transfer-Encoding"],
    ...["HTTP2-Settings", "X-Forwarded", "x-ssl", "X-Amzn-Mtls"],
    ...["X-Verified-Client", "X-Clients", "Clientcert", "X-Forward", "Authorization", "Cookie", "CFX", "X-Real-IPs"],
  ];

  test.each(names)("takes the identity from %s if, and only if, the edge lets that through", async (name) => {
    const isPassed = sanitizeHeaders([name, "value"], undefined).length > 0;
    const problems = await cdn({ identityHeader: name, proof: { secret: SECRET } });
    expect(problems).toEqual(isPassed ? [] : [expect.stringContaining(`"${name}" never arrives`)]);
  });
});

describe("forwardClientCertificate", () => {
  const problemsOfHandler = (name: string, options: Record<string, unknown>) =>
    findProblems({ "config/routes.oas.json": route({ handler: { ...RUNTIME, export: name, options } }) });
  const RUNTIME = { module: "$import(@zuplo/runtime)" };

  test.each(["none", "client-cert", "client-cert-and-chain", "$env(FORWARD)"])("is %s", async (choice) => {
    const options = { forwardClientCertificate: choice };
    expect(await problemsOfHandler("urlForwardHandler", { baseUrl: "https://a.example", ...options })).toEqual([]);
    expect(await problemsOfHandler("urlRewriteHandler", { rewritePattern: "${env.A}/", ...options })).toEqual([]);
  });

  test("is nothing else", async () => {
    const options = { baseUrl: "https://a.example", forwardClientCertificate: "chain" };
    expect(await problemsOfHandler("urlForwardHandler", options)).toEqual([
      expect.stringContaining('"chain" is not allowed here, allowed: none, client-cert, client-cert-and-chain'),
    ]);
  });
});
