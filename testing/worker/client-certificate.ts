/**
 * Requests as the edge would forward them: with an assertion that says what came of the client's certificate, signed by a
 * key of this test run, which the worker under test trusts (config/). So the gateway runs whole, signature and all.
 */
import { env } from "cloudflare:workers";
import {
  type AssertionSigningKey,
  type EdgeAssertion,
  signEdgeAssertion,
  type TrustAnchor,
} from "../../src/contract/edge-assertion.ts";
import { EDGE_ASSERTION_HEADER } from "../../src/contract/headers.ts";
import { parseHostname } from "../../src/contract/hostname.ts";
import { type CertVerified, NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { parsePem } from "../../src/x509/pem.ts";
import { describeClientCertificate } from "../../src/x509/tls-client-auth.ts";
import { TEST_SIGNING_KEY } from "../variables.ts";
import { issueLeaf, type SubjectAlternativeName } from "./issue-certificate.ts";

/** What the edge says of every connection. */
export interface ConnectionOptions {
  /** The host name that the client asked for; default `localhost`. It is sent as `Host`, whatever the URL says */
  host?: string;
  /** The client's address; default `192.0.2.1` */
  address?: string;
  /** Default `HTTP/2` */
  httpProtocol?: "HTTP/1.1" | "HTTP/2";
}

export interface ClientCertificateOptions extends ConnectionOptions {
  /** RFC 4514; default `CN=client,O=Example,C=US` */
  subject?: string;
  /** Of the CA that issued it, RFC 4514; default that of the demo: `CN=example-ca,O=Example,C=US` */
  issuer?: string;
  /** `dns:client.example.com`, `uri:…`, `email:…`, `ip:…` */
  sans?: readonly SubjectAlternativeName[];
  /** Default an hour ago */
  notBefore?: Date;
  /** Default in 30 days */
  notAfter?: Date;
  /** Take this certificate (PEM, the leaf first) instead of making one: then the five options above mean nothing */
  pem?: string;
  /** What verification came to; default `SUCCESS`, or a failure when the dates above say so */
  verdict?: "SUCCESS" | `FAILED:${string}`;
  /** Names of the uploaded CA certificates that a verified chain leads to; default `demo_ca` */
  caCertificates?: readonly string[];
}

/** To be spread into `headers` of a request. */
export type EdgeHeaders = Record<"host" | typeof EDGE_ASSERTION_HEADER, string>;

/**
 * Headers of a request whose client presented this certificate.
 *
 * @throws TypeError for names that are not RFC 4514, a host that is no host name, or PEM that is none
 * @example
 * import { exports } from "cloudflare:workers";
 * import { clientCertificate } from "sallyport/testing";
 *
 * const headers = await clientCertificate({ subject: "CN=billing,O=Acme", sans: ["uri:spiffe://acme.example/billing"] });
 * const response = await exports.default.fetch("https://localhost/v1/hello", { headers });
 * expect(response.status).toBe(200);
 * @example
 * // As the edge says it, with OpenSSL's words
 * await clientCertificate({ verdict: "FAILED:unable to get local issuer certificate" });
 */
export async function clientCertificate(options: ClientCertificateOptions = {}): Promise<EdgeHeaders> {
  const now = new Date();
  const notBefore = options.notBefore ?? new Date(now.getTime() - HOUR_MS);
  const notAfter = options.notAfter ?? new Date(now.getTime() + LIFETIME_MS);
  const certVerified = options.verdict ?? judgeDates(now, notBefore, notAfter);
  const presented = options.pem === undefined ? await issue(options, notBefore, notAfter) : readChain(options.pem);
  const { tlsClientAuth } = await describeClientCertificate({ ...presented, certVerified });
  const names = certVerified === "SUCCESS" ? (options.caCertificates ?? DEFAULT_CA_CERTIFICATES) : [];
  return createHeaders(options, tlsClientAuth, names.map(createTrustAnchor), now);
}

/**
 * Headers of a request that came through the edge without a client certificate.
 *
 * @example
 * const response = await exports.default.fetch("https://localhost/v1/hello", { headers: await noClientCertificate() });
 * expect(response.status).toBe(401);
 */
export function noClientCertificate(options: ConnectionOptions = {}): Promise<EdgeHeaders> {
  return createHeaders(options, NO_CLIENT_CERTIFICATE, [], new Date());
}

const HOUR_MS = 60 * 60 * 1_000;
const LIFETIME_MS = 30 * 24 * HOUR_MS;
const DEFAULT_SUBJECT = "CN=client,O=Example,C=US";
const DEFAULT_ISSUER = "CN=example-ca,O=Example,C=US";
const DEFAULT_CA_CERTIFICATES = ["demo_ca"];
const DEFAULT_HOST = "localhost";
/** For documentation and tests (RFC 5737) */
const DEFAULT_ADDRESS = "192.0.2.1";

/** As OpenSSL would: the dates first. */
function judgeDates(now: Date, notBefore: Date, notAfter: Date): CertVerified {
  if (now < notBefore) return "FAILED:certificate is not yet valid";
  return now > notAfter ? "FAILED:certificate has expired" : "SUCCESS";
}

async function issue(options: ClientCertificateOptions, notBefore: Date, notAfter: Date) {
  const { subject = DEFAULT_SUBJECT, issuer: issuerName = DEFAULT_ISSUER, sans = [] } = options;
  const { leaf, issuer } = await issueLeaf({ subject, issuer: issuerName, sans, notBefore, notAfter });
  return { leaf, issuer, chain: [] };
}

function readChain(pem: string) {
  const parsed = parsePem(pem);
  if (!parsed.ok) throw new TypeError(`"pem" is not a certificate: ${parsed.reason}`);
  const [leaf, ...chain] = parsed.blocks.filter(({ label }) => label === "CERTIFICATE").map(({ der }) => der);
  if (leaf === undefined) throw new TypeError('"pem" has no block CERTIFICATE');
  return { leaf, chain };
}

function createTrustAnchor(name: string): TrustAnchor {
  return { id: `mtlsca_${name}`, name };
}

async function createHeaders(
  { host = DEFAULT_HOST, address = DEFAULT_ADDRESS, httpProtocol = "HTTP/2" }: ConnectionOptions,
  tlsClientAuth: TlsClientAuth,
  trustAnchors: TrustAnchor[],
  now: Date,
): Promise<EdgeHeaders> {
  const audience = parseHostname(host);
  if (audience === undefined) throw new TypeError(`"${host}" is not a host name`);
  const assertion: EdgeAssertion = {
    audience,
    account: readVariable("SALLYPORT_ACCOUNT") ?? "local",
    project: readVariable("SALLYPORT_PROJECT") ?? "example",
    environment: readVariable("SALLYPORT_ENVIRONMENT") ?? "production",
    client: { address, httpProtocol },
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    trustAnchors,
    tlsClientAuth,
  };
  const token = await signEdgeAssertion(assertion, await readSigningKey(), Math.floor(now.getTime() / 1_000));
  return { host, [EDGE_ASSERTION_HEADER]: token };
}

async function readSigningKey(): Promise<AssertionSigningKey> {
  const text = readVariable(TEST_SIGNING_KEY);
  if (text === undefined) {
    throw new TypeError(
      `"${TEST_SIGNING_KEY}" is not a variable of this worker: add gatewayTest() of sallyport/testing/config to the plugins of vitest.config.ts`,
    );
  }
  const jwk = JSON.parse(text) as JsonWebKey & { kid: string };
  const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  return {
    keyId: jwk.kid,
    sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, new Uint8Array(bytes))),
  };
}

function readVariable(name: string): string | undefined {
  const bindings: Readonly<Record<string, unknown>> = { ...env };
  const value = bindings[name];
  return typeof value === "string" ? value : undefined;
}
