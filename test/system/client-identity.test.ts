/**
 * Behind the real edge: what an origin is told about the client (RFC 9440), access tokens that are bound to the client's
 * certificate (RFC 8705), and a CDN in front.
 */
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUDIENCE, createClientIdentityProject } from "./client-identity-project.ts";
import { type Certificate, type Curl, createCurl } from "./curl.ts";
import { createFolder, type DevStack, startDev } from "./sallyport.ts";

const CDN_SECRET = "0123456789abcdef0123456789abcdef";
const KEY_ID = "key-1";

const folder = createFolder();
let server: Server;
let serverUrl: string;
let jwk: JWK;
let privateKey: CryptoKey;
let dev: DevStack;
let curl: Curl;
let client: Certificate;
let chain: Certificate;
let rogue: Certificate;

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  ({ privateKey } = pair);
  jwk = { ...(await exportJWK(pair.publicKey)), kid: KEY_ID };
  await startServer();
  dev = await startDev(folder.path, ["--project-dir", createClientIdentityProject(folder.path, serverUrl, CDN_SECRET)]);
  const { files, edge } = dev.ready;
  curl = createCurl(edge, files.edgeCa ?? "");
  const identity = (name: string) => ({ cert: files[`${name}Cert`] ?? "", key: files[`${name}Key`] ?? "" });
  [client, chain, rogue] = [identity("client"), identity("chain"), identity("rogue")];
});

afterAll(async () => {
  await dev?.[Symbol.asyncDispose]();
  server?.closeAllConnections();
  server?.close();
  folder[Symbol.dispose]();
});

/** An authorization server, with keys that redirect and keys that do not come; everything else echoes as an origin. */
async function startServer(): Promise<void> {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", serverUrl);
    const json = (value: unknown) => response.end(JSON.stringify(value));
    if (pathname === "/.well-known/openid-configuration") json({ issuer: serverUrl, jwks_uri: `${serverUrl}/keys` });
    else if (pathname === "/keys") json({ keys: [jwk] });
    else if (pathname === "/redirect") response.writeHead(302, { location: `${serverUrl}/keys` }).end();
    else if (pathname === "/hang") response.writeHead(200).write(" ");
    else if (pathname.endsWith("/elsewhere")) {
      response.writeHead(302, { location: serverUrl.replace("127.0.0.1", "localhost") }).end();
    } else json({ headers: request.headers });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Certificates of a PEM file, in order. */
function readDers({ cert }: Certificate): Buffer[] {
  const blocks = readFileSync(cert, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw);
}

/** RFC 9440, section 2.1, written out. */
const encodeField = (ders: Buffer[]) => ders.map((der) => `:${der.toString("base64")}:`).join(", ");

describe("the origin is told about the client", () => {
  const FORGED = ["Client-Cert: :Zm9yZ2Vk:", "CLIENT-CERT-CHAIN: :Zm9yZ2Vk:", "client_cert: x"];
  const forged = FORGED.flatMap((header) => ["-H", header]);

  async function fieldsAtOrigin(path: string, identity: Certificate | undefined) {
    const answer = await curl(path, identity, ...forged);
    expect(answer).toMatchObject({ status: 200 });
    const { headers } = answer.json<{ headers: Record<string, string> }>();
    return Object.fromEntries(Object.entries(headers).filter(([name]) => /^client[-_]cert/.test(name)));
  }

  it("what the route says, and nothing of what the client wrote", async () => {
    const [leaf, ...rest] = readDers(chain);
    const fields = { "client-cert": encodeField(leaf ? [leaf] : []), "client-cert-chain": encodeField(rest) };
    expect(rest.length).toBeGreaterThan(0);
    expect(await fieldsAtOrigin("/none/x", chain)).toEqual({});
    expect(await fieldsAtOrigin("/leaf/x", chain)).toEqual({ "client-cert": fields["client-cert"] });
    expect(await fieldsAtOrigin("/chain/x", chain)).toEqual(fields);
    expect(await fieldsAtOrigin("/chain/x", client)).toEqual({ "client-cert": encodeField(readDers(client)) });
  });

  it("also by way of the egress, beside the gateway's own certificate", async () => {
    const [leaf, ...rest] = readDers(chain);
    const fields = { "client-cert": encodeField(leaf ? [leaf] : []), "client-cert-chain": encodeField(rest) };
    expect(await fieldsAtOrigin("/alb/x", chain)).toEqual(fields);
    expect(await fieldsAtOrigin("/alb/x", rogue)).toEqual({});
  });

  it("nothing of one that is not verified", async () => {
    expect(await fieldsAtOrigin("/chain/x", rogue)).toEqual({});
    expect(await fieldsAtOrigin("/chain/x", undefined)).toEqual({});
  });

  it("and no other origin by a redirect", async () => {
    const answer = await curl("/chain/elsewhere", chain);
    expect([answer.status, answer.json().reason]).toEqual([500, expect.stringContaining("redirect away from")]);
  });
});

describe("an access token that is bound to a certificate", () => {
  const thumbprintOf = (identity: Certificate) =>
    createHash("sha256")
      .update(readDers(identity)[0] ?? "")
      .digest("base64url");

  async function sign(claims: JWTPayload = {}): Promise<string> {
    const cnf = { "x5t#S256": thumbprintOf(client) };
    const exp = Math.floor(Date.now() / 1000) + 300;
    return new SignJWT({ iss: serverUrl, sub: "user-7", aud: AUDIENCE, exp, cnf, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: KEY_ID })
      .sign(privateKey);
  }

  const bearer = (token: string) => ["-H", `Authorization: Bearer ${token}`];

  it("lets its client in", async () => {
    const answer = await curl("/token", client, ...bearer(await sign()));
    expect(answer.json()).toMatchObject({ user: { sub: "user-7", data: { aud: AUDIENCE } } });
  });

  it.each<[string, () => Certificate | undefined, string]>([
    ["another client", () => chain, "access_token_rejected"],
    ["a client whose certificate did not verify", () => rogue, "client_certificate_rejected"],
    ["a client without a certificate", () => undefined, "client_certificate_required"],
  ])("lets nobody else in: %s", async (_, identity, code) => {
    const answer = await curl("/token", identity(), ...bearer(await sign()));
    expect([answer.status, answer.json()]).toMatchObject([401, { code }]);
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer error="invalid_token"/);
  });

  it("of a certificate that does not verify lets nobody in, not even its client", async () => {
    const token = await sign({ cnf: { "x5t#S256": thumbprintOf(rogue) } });
    expect(await curl("/token", rogue, ...bearer(token))).toMatchObject({ status: 401 });
  });

  it("is needed", async () => {
    const answer = await curl("/token", client);
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
  });

  it("comes once", async () => {
    const answer = await curl("/token", client, ...bearer(await sign()), ...bearer("another"));
    expect(answer.status).toBe(400);
  });

  it.each(["/redirected", "/hanging"])("lets nobody in while the keys cannot be had: %s", async (path) => {
    const answer = await curl(path, client, ...bearer(await sign()));
    expect([answer.status, answer.json()]).toMatchObject([503, { code: "access_token_keys_unavailable" }]);
  });
});

describe("behind a CDN", () => {
  const identity = ["-H", "X-Verified-Client: CN=partner"];

  it("the CDN's word counts with its secret, and with nothing else", async () => {
    const answer = await curl("/cdn", undefined, ...identity, "-H", `X-Cdn-Secret: ${CDN_SECRET}`);
    expect(answer.json()).toEqual({ user: { sub: "CN=partner", data: {} } });
    expect(await curl("/cdn", client, ...identity)).toMatchObject({ status: 401 });
    expect(await curl("/cdn", client, ...identity, "-H", "X-Cdn-Secret: guessed")).toMatchObject({ status: 401 });
  });
});
