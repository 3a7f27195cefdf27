/**
 * The worker alone, as in the vitest worker pool: the test stands where the edge would, and says by an assertion of its own
 * who the client is. Origins are reached through another host's egress.
 */
import { join } from "node:path";
import { Miniflare, NoOpLog } from "miniflare";
import { createAssertionSigner, createSigningJwk } from "../../../edge-shim/ingress/assertion-signer.ts";
import { sanitizeHeaders } from "../../../edge-shim/ingress/sanitize.ts";
import { EDGE_ASSERTION_HEADER } from "../../../src/contract/headers.ts";
import { NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../../../src/contract/tls-client-auth.ts";
import { describeClientCertificate } from "../../../src/x509/tls-client-auth.ts";
import { bundleForWorkerd, describeWorker } from "../../security/harness/workerd.ts";
import type { Identity } from "../identities.ts";
import { chainOf } from "../presented-chain.ts";
import { type ClientRequest, exchangeHttp, HOSTNAME, type Host } from "./host.ts";

const NAME = "gateway";

export interface WorkerHostOptions {
  /** Where `sallyport build` has left the entry module */
  projectDir: string;
  /** Of the worker, but for the edge's keys */
  variables: Record<string, string>;
}

export async function startWorkerHost({ projectDir, variables }: WorkerHostOptions): Promise<Host> {
  const signer = await createAssertionSigner(await createSigningJwk());
  const script = await bundleForWorkerd(`export { default } from "${join(projectDir, ".build/worker.ts")}";`);
  const own = { SALLYPORT_ENVIRONMENT: "development", SALLYPORT_EDGE_JWKS: JSON.stringify(signer.jwks) };
  const miniflare = new Miniflare({
    cf: false,
    log: new NoOpLog(),
    handleStructuredLogs: () => {},
    workers: [describeWorker(NAME, script, { ...variables, ...own })],
  });
  const { port } = await miniflare.unsafeGetDirectURL(NAME);
  return {
    async ask({ method, path, headers, body, identity }: ClientRequest) {
      const kept = sanitizeHeaders(Object.entries(headers).flat(), undefined);
      const length =
        headers["transfer-encoding"] === undefined && body !== undefined ? [String(Buffer.byteLength(body))] : [];
      const assertion = [
        EDGE_ASSERTION_HEADER,
        await signer.sign(await stateIdentity(identity), Date.now()),
        "x-forwarded-proto",
        "https",
      ];
      const sent = ["host", HOSTNAME, ...kept, ...length.flatMap((value) => ["content-length", value]), ...assertion];
      return exchangeHttp({ host: "127.0.0.1", port, method, path, headers: sent }, body);
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

async function stateIdentity(identity: Identity) {
  const { anchor, certificate } = identity;
  return {
    audience: HOSTNAME,
    account: "local",
    project: "example",
    environment: "development",
    client: { address: "192.0.2.1", httpProtocol: "HTTP/1.1" as const },
    tls: { version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384" },
    trustAnchors: anchor === undefined ? [] : [{ id: `mtlsca_${anchor}`, name: anchor }],
    tlsClientAuth: certificate === undefined ? NO_CLIENT_CERTIFICATE : await describe(identity),
  };
}

/** The edge has no revocation lists, and what it does not know it does not say. */
async function describe({ certificate, certVerified }: Identity): Promise<TlsClientAuth> {
  const [leaf, ...chain] = chainOf(certificate?.chainPem ?? "");
  const { tlsClientAuth } = await describeClientCertificate({ leaf: leaf as Buffer, chain, certVerified });
  return tlsClientAuth;
}
