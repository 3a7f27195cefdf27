/**
 * OpenSSL's verdict on a chain against a CA set of our choice, after the handshake.
 *
 * Why: a CA is rotated by uploading a root with the same name and another key beside the old one. Where certificates
 * carry key identifiers OpenSSL tells the two apart. Where they do not (`openssl x509 -req` makes such leaves) it
 * takes the first root of that name, finds that the signature does not fit, and looks no further: whoever holds a
 * certificate of the other root would be shut out for as long as both are there.
 *
 * How: the chain is presented once more, in memory, to a TLS server whose CA set is only the root that did sign it.
 * The client half of that has no private key and makes one up around the certificate's public key. OpenSSL judges the
 * chain when the Certificate message arrives, and only then finds that the signature of the CertificateVerify message
 * is nonsense: the handshake always fails, with the verdict left on the socket. That the real client holds the private
 * key was proven in the real handshake.
 */
import { createPrivateKey, type JsonWebKey, type X509Certificate } from "node:crypto";
import { duplexPair } from "node:stream";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { PresentedCertificates } from "./handshake.ts";
import type { ServerCertificate } from "./server-certificates.ts";

/** In memory it takes milliseconds; whatever takes longer is no verdict. */
const TIMEOUT_MS = 2_000;
/** One protocol version, in which the client's certificate comes before anything could end the handshake well */
const PROTOCOL = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;

export interface SecondOpinion {
  /** True only when OpenSSL verified the chain against `caCertificates` (PEM) */
  isVerified(presented: PresentedCertificates, caCertificates: readonly string[]): Promise<boolean>;
}

export function createSecondOpinion(serverCertificate: ServerCertificate): SecondOpinion {
  return {
    async isVerified({ leaf, intermediates }, caCertificates) {
      const key = inventPrivateKey(leaf);
      if (key === undefined) return false;
      const chain = [leaf, ...intermediates].map((certificate) => certificate.toString()).join("");
      const server = createSecureContext({
        ...PROTOCOL,
        cert: serverCertificate.certificatePem,
        key: serverCertificate.keyPem,
        ca: [...caCertificates],
      });
      return present(createSecureContext({ ...PROTOCOL, cert: chain, key }), server, leaf.fingerprint256);
    },
  };
}

function present(client: SecureContext, server: SecureContext, leafFingerprint: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const [clientSide, serverSide] = duplexPair();
  const judge = new TLSSocket(serverSide, {
    isServer: true,
    requestCert: true,
    rejectUnauthorized: false,
    secureContext: server,
  });
  const presenter = connect({ socket: clientSide, secureContext: client, rejectUnauthorized: false });
  const limit = setTimeout(() => end(false), TIMEOUT_MS);

  function end(isVerified: boolean): void {
    clearTimeout(limit);
    resolve(isVerified);
    judge.destroy();
    presenter.destroy();
  }

  // Ahead of Node's own listener, while the verdict is still on the handle.
  judge.prependOnceListener("_tlsError", () => end(readVerdict(judge, leafFingerprint)));
  // It cannot succeed without the private key. If it seems to, something is not as assumed: no verdict.
  judge.once("secure", () => end(false));
  judge.once("error", () => end(false));
  judge.once("close", () => end(false));
  presenter.on("error", () => undefined);
  return promise;
}

/** OpenSSL says "no error" also where it judged nothing: the certificate must have arrived, and be the one. */
function readVerdict(judge: TLSSocket, leafFingerprint: string): boolean {
  const { _handle: handle } = judge as TLSSocket & { _handle?: { verifyError?: () => Error | null } };
  const hasArrived = judge.getPeerX509Certificate()?.fingerprint256 === leafFingerprint;
  return hasArrived && handle?.verifyError !== undefined && handle.verifyError() === null;
}

/** A private key for the certificate's public key that OpenSSL accepts and that signs nonsense; EC and RSA only. */
function inventPrivateKey(leaf: X509Certificate): string | undefined {
  try {
    const publicKey = leaf.publicKey.export({ format: "jwk" });
    const privateParts = inventPrivateParts(publicKey);
    if (privateParts === undefined) return undefined;
    const key = createPrivateKey({ format: "jwk", key: { ...publicKey, ...privateParts } });
    return key.export({ type: "pkcs8", format: "pem" }) as string;
  } catch {
    return undefined;
  }
}

function inventPrivateParts(publicKey: JsonWebKey): JsonWebKey | undefined {
  const number = (value: number, bytes = 1) => {
    const octets = Buffer.alloc(bytes);
    octets[bytes - 1] = value;
    return octets.toString("base64url");
  };
  switch (publicKey.kty) {
    case "EC":
      return { d: number(1, Buffer.from(publicKey.x ?? "", "base64url").length) };
    case "RSA":
      return { d: number(3), p: number(3), q: number(5), dp: number(1), dq: number(1), qi: number(1) };
    default:
      return undefined;
  }
}
