/**
 * A TLS server as many are: host names and client CAs apart by SNI, and sessions resumed, which is every library's
 * default. The control of resumption.test.ts: what is tried against the edge has to succeed here.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createSecureContext, createServer, type SecureContext } from "node:tls";
import { type CertificateAuthority, createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import type { TestEdge } from "../../edge/harness/edge.ts";

/** What clients need of an edge */
export type Server = Pick<TestEdge, "port" | "edgeCaPem">;

/** Answers each request with the verdict of its connection, in the words of `/v1/optional`. */
export async function startCarelessServer(
  clientCas: Record<string, CertificateAuthority>,
): Promise<Server & AsyncDisposable> {
  const authority = await createCertificateAuthority({ subject: "CN=server-ca" });
  const { certificatePem: cert, keyPem: key } = await authority.issueServer({ hostnames: Object.keys(clientCas) });
  const contexts = new Map<string, SecureContext>();
  for (const [hostname, { certificatePem: ca }] of Object.entries(clientCas)) {
    contexts.set(hostname, createSecureContext({ cert, key, ca }));
  }
  const server = createServer({
    cert,
    key,
    ca: [],
    requestCert: true,
    rejectUnauthorized: false,
    SNICallback: (servername, callback) => callback(null, contexts.get(servername)),
  });
  const sessions = new Map<string, Buffer>();
  server.on("newSession", (id: Buffer, session: Buffer, done: () => void) => {
    sessions.set(id.toString("hex"), session);
    done();
  });
  server.on("resumeSession", (id: Buffer, done: (error: null, session: Buffer | null) => void) =>
    done(null, sessions.get(id.toString("hex")) ?? null),
  );
  server.on("secureConnection", (socket) => {
    const verdict = socket.authorized ? "SUCCESS" : socket.getPeerX509Certificate() ? "FAILED" : "NONE";
    socket.on("error", () => {});
    socket.on("data", () =>
      socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"clientMtlsVerificationStatus":"${verdict}"}`),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    edgeCaPem: authority.certificatePem,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
