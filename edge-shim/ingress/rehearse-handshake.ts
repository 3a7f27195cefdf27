/**
 * OpenSSL's verdict on a chain whose private key nobody here has: half a TLS handshake, inside this process, with the
 * edge's own TLS context.
 *
 * A TLS 1.2 server judges the client's chain when the Certificate message arrives, before the client proves that it
 * has the key, and until then nothing is encrypted. So Node's own client shakes hands without a certificate, and on the
 * wire its empty Certificate message is replaced by one that holds the chain. The server judges that, misses the
 * proof, and ends the handshake; the verdict is taken at that moment. No signature is made or faked: it works for every
 * kind of key. The chain is judged under TLS 1.3 by the same code (test/explain compares the two over an edge).
 */
import { type Duplex, duplexPair } from "node:stream";
import { connect, createServer, type SecureContext, type TLSSocket } from "node:tls";
import type { AccountCaSet } from "../trust/trust-store.ts";
import { readVerifyError, takeHandshake } from "./handshake.ts";
import type { ServerCertificate } from "./server-certificates.ts";
import { CONTEXT_OPTIONS, createContext } from "./server-name.ts";
import type { HandshakeFacts } from "./verdict.ts";

export type Rehearsal =
  | { readonly isRefused: false; readonly facts: HandshakeFacts }
  /** OpenSSL took the bytes for no list of certificates and ended the handshake: there is no verdict, and no HTTP */
  | { readonly isRefused: true; readonly reason: string };

/** Sent as SNI; any name does, the context is the same for all */
const SERVER_NAME = "rehearsal.invalid";
const TIMEOUT_MS = 10_000;

/**
 * @param chain DER, in the order in which the client sends it
 * @param caSet undefined for a name that is no active domain
 * @param certificate what the server shows; nobody looks at it
 * @throws Error when this Node does the handshake in another way than those that this was written for
 */
export async function rehearseHandshake(
  chain: readonly Uint8Array[],
  caSet: AccountCaSet | undefined,
  certificate: ServerCertificate,
): Promise<Rehearsal> {
  const context = createContext(certificate, caSet);
  const { promise, resolve, reject } = Promise.withResolvers<Rehearsal>();
  const server = createServer({
    ...CONTEXT_OPTIONS,
    cert: certificate.certificatePem,
    key: certificate.keyPem,
    ca: [],
    SNICallback: (_, callback: (error: Error | null, context?: SecureContext) => void) => callback(null, context),
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: TIMEOUT_MS,
  });
  const wire = connectThroughWire(chain);
  server.on("tlsClientError", (error, socket) => {
    const rehearsal = wire.isReplaced() ? readRehearsal(error, socket, caSet) : undefined;
    if (rehearsal !== undefined) resolve(rehearsal);
    else reject(new Error("the rehearsal of the TLS handshake came to no verdict", { cause: error }));
  });
  server.on("secureConnection", () => reject(new Error("a TLS handshake without a key came to its end")));
  server.emit("connection", wire.serverSide);
  const client = connect({ socket: wire.clientSide, servername: SERVER_NAME, maxVersion: "TLSv1.2", ...NOBODY_ELSE });
  // The server ends the handshake; its alert is what was wanted.
  client.on("error", () => {});
  try {
    return await promise;
  } finally {
    client.destroy();
    wire.serverSide.destroy();
  }
}

/** Both ends are in this process: there is nobody whom the client would have to recognise. */
const NOBODY_ELSE = { rejectUnauthorized: false };

/** Must run before Node destroys the socket. Undefined when Node does not tell what OpenSSL found: that is no "verified". */
function readRehearsal(error: Error, socket: TLSSocket, caSet: AccountCaSet | undefined): Rehearsal | undefined {
  const { presented } = takeHandshake(socket);
  // Node 24 crashes when it is asked for the verify error of a handshake that came to no certificate: look first.
  if (presented === undefined) {
    return { isRefused: true, reason: (error as Error & { reason?: string }).reason ?? error.message };
  }
  const { _handle: handle } = socket as TLSSocket & { _handle?: { verifyError?: () => NodeJS.ErrnoException | null } };
  const found = handle?.verifyError?.();
  if (found === undefined) return undefined;
  const facts = {
    verifyError: readVerifyError(socket),
    verifyErrorCode: found?.code,
    resumed: false,
    presented,
    caSet,
  };
  return { isRefused: false, facts: { ...facts, authorized: found === null } };
}

const RECORD_MAX_BYTES = 2 ** 14;
const HANDSHAKE_RECORD = Uint8Array.of(22, 3, 3);
const CERTIFICATE_MESSAGE = 11;
/** A record with a Certificate message (RFC 5246, section 7.4.2) that holds an empty list */
const EMPTY_CERTIFICATE = Buffer.from("16030300070b000003000000", "hex");

/** Two connected streams; what the client says when it is asked for a certificate is replaced on the way. */
function connectThroughWire(chain: readonly Uint8Array[]): {
  clientSide: Duplex;
  serverSide: Duplex;
  isReplaced: () => boolean;
} {
  const [clientSide, fromClient] = duplexPair();
  const [serverSide, fromServer] = duplexPair();
  let isReplaced = false;
  fromServer.pipe(fromClient);
  fromClient.on("data", (bytes: Buffer) => {
    const start = isReplaced ? -1 : bytes.indexOf(EMPTY_CERTIFICATE);
    if (start === -1) {
      fromServer.write(bytes);
      return;
    }
    isReplaced = true;
    const after = bytes.subarray(start + EMPTY_CERTIFICATE.length);
    fromServer.write(Buffer.concat([bytes.subarray(0, start), encodeCertificateRecords(chain), after]));
  });
  return { clientSide, serverSide, isReplaced: () => isReplaced };
}

function encodeCertificateRecords(chain: readonly Uint8Array[]): Buffer {
  const list = withLength(3, Buffer.concat(chain.map((der) => withLength(3, der))));
  const message = Buffer.concat([Uint8Array.of(CERTIFICATE_MESSAGE), withLength(3, list)]);
  const records: Buffer[] = [];
  for (let start = 0; start < message.length; start += RECORD_MAX_BYTES) {
    records.push(Buffer.concat([HANDSHAKE_RECORD, withLength(2, message.subarray(start, start + RECORD_MAX_BYTES))]));
  }
  return Buffer.concat(records);
}

function withLength(lengthBytes: number, content: Uint8Array): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([length, content]);
}
