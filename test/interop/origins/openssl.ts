/** `openssl s_server`: one connection at a time, a page about the handshake, and OpenSSL's own alerts. */
import { type Origin, type OriginOptions, startOrigin } from "./origin.ts";

export function startOpenssl({ tls, server, clientRoot, depth = 2 }: OriginOptions): Promise<Origin> {
  return startOrigin((directory, port) => ({
    command: "openssl",
    parameters: [
      ...["s_server", "-accept", `127.0.0.1:${port}`, tls === "1.2" ? "-tls1_2" : "-tls1_3", "-www"],
      ...[
        "-cert",
        `${directory}/server.pem`,
        "-cert_chain",
        `${directory}/chain.pem`,
        "-key",
        `${directory}/server.key`,
      ],
      ...["-CAfile", `${directory}/clients.pem`, "-no-CApath", "-no-CAstore"],
      // Its own depth is no limit, only the verifier's is.
      ...["-Verify", String(depth), "-verify_depth", String(depth), "-verify_return_error"],
    ],
    files: {
      "server.pem": server.certificatePem,
      "chain.pem": server.chainPem,
      "server.key": server.keyPem,
      "clients.pem": clientRoot,
    },
  }));
}

/** From the certificate that the page shows, as `openssl x509 -text` would. */
export function readSubject(page: string): string | undefined {
  return /Subject: (.*)/.exec(page.slice(page.indexOf("Client certificate")))?.[1]?.replaceAll(" = ", "=");
}
