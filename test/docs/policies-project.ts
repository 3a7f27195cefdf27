/** A test of the project into which the examples of docs/policies.md were put: each policy is asked, and refuses once. */
export const POLICIES_TEST = `
import { exports } from "cloudflare:workers";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { clientCertificate, noClientCertificate, originMock } from "sallyport/testing";
import { expect, it } from "vitest";

const ask = (path: string, headers: Headers) => exports.default.fetch(\`https://localhost\${path}\`, { headers });

it("tells the origin who the client is", async () => {
  using origin = originMock("https://origin.example", {
    respond: (request) => Response.json({ field: request.headers.get("client-cert") }),
  });
  const known = await ask("/v1/forward", await clientCertificate());
  expect(await known.json()).toEqual({ field: expect.stringMatching(/^:MII.*:$/) });
  const unknown = await ask("/v1/forward", await noClientCertificate());
  expect(await unknown.json()).toEqual({ field: null });
  expect(origin.requests).toHaveLength(2);
});

it("takes a token with the certificate that it is bound to, and not without", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" };
  const issuer = "https://login.example.com";
  using keys = originMock(issuer, {
    respond: (request) =>
      Response.json(request.url.endsWith("/keys") ? { keys: [jwk] } : { issuer, jwks_uri: \`\${issuer}/keys\` }),
  });
  const client = new Headers(await clientCertificate());
  const { sha256Fingerprint } = await (await ask("/v1/who", client)).json<{ sha256Fingerprint: string }>();
  const thumbprint = btoa(sha256Fingerprint.split(":").map((octet) => String.fromCharCode(Number.parseInt(octet, 16))).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const token = await new SignJWT({ cnf: { "x5t#S256": thumbprint } })
    .setProtectedHeader({ alg: "ES256", kid: "1" })
    .setIssuer(issuer).setAudience("https://api.example.com").setSubject("user-7").setExpirationTime("5m")
    .sign(privateKey);
  client.set("authorization", \`Bearer \${token}\`);
  const accepted = await ask("/v1/token", client);
  expect([accepted.status, await accepted.json()]).toMatchObject([200, { sub: "user-7" }]);
  const thief = new Headers(await clientCertificate());
  thief.set("authorization", \`Bearer \${token}\`);
  const refused = await ask("/v1/token", thief);
  expect([refused.status, await refused.json()]).toMatchObject([401, { code: "access_token_rejected" }]);
  expect(keys.requests.length).toBeGreaterThan(0);
});

it("takes the CDN's word with its secret, and not without", async () => {
  const headers = new Headers(await noClientCertificate());
  headers.set("x-verified-client", "CN=billing");
  expect(await (await ask("/v1/cdn", headers)).json()).toMatchObject({ code: "cdn_identity_rejected" });
  headers.set("x-cdn-secret", "a-secret-of-this-test-0123456789abcdef");
  expect(await (await ask("/v1/cdn", headers)).json()).toMatchObject({ sub: "CN=billing" });
});
`;

export const VITEST_CONFIG = `
import { gatewayTest } from "sallyport/testing/config";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [gatewayTest({ variables: { CDN_SECRET: "a-secret-of-this-test-0123456789abcdef" } })],
});
`;

export const WHO_MODULE = `
export default async function who(request) {
  return Response.json({ sub: request.user?.sub, ...request.user?.data?.mtlsAuth });
}
`;
