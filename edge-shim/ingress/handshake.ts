/**
 * What the client presented, taken at the one moment at which all of it can be had.
 *
 * Node hands out the client's intermediates only to the first `getPeerX509Certificate()` of a connection: the call takes
 * them off OpenSSL's list. Since 24.21 Node's own "is there a certificate?" is that first call wherever verification
 * succeeded, and it comes before `secureConnection`. So the certificates are read on `secure`, ahead of Node's listener,
 * on a socket that the SNI callback introduces to us. Should a later Node do this differently, the intermediates are
 * missing, no anchor is found, and the verdict is FAILED; test/security/certificates.test.ts says so.
 */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { AccountCaSet } from "../trust/trust-store.ts";

export interface PresentedCertificates {
  /** Certificate 0 of the client's list: the only one that says who the client is */
  readonly leaf: X509Certificate;
  /** The rest of the list as sent (RFC 8446, section 4.4.2): unordered, unvalidated */
  readonly intermediates: readonly X509Certificate[];
}

interface Handshake {
  /** The CA set that OpenSSL judges the client against; undefined when the server name has none */
  readonly caSet: AccountCaSet | undefined;
  presented?: PresentedCertificates | undefined;
}

const handshake = Symbol("handshake");
type HandshakeSocket = TLSSocket & { [handshake]?: Handshake };

/** Call when the CA set is chosen, before the client's certificate arrives. */
export function observeHandshake(socket: TLSSocket, caSet: AccountCaSet | undefined): void {
  const observed: Handshake = { caSet };
  (socket as HandshakeSocket)[handshake] = observed;
  socket.prependOnceListener("secure", () => {
    observed.presented = readPresented(socket);
  });
}

/** Call once, after the handshake. Without a server name nobody observed it: no CA set applies. */
export function takeHandshake(socket: TLSSocket): Required<Handshake> {
  const observed = (socket as HandshakeSocket)[handshake];
  if (observed === undefined) return { caSet: undefined, presented: readPresented(socket) };
  const { caSet, presented } = observed;
  delete (socket as HandshakeSocket)[handshake];
  return { caSet, presented };
}

function readPresented(socket: TLSSocket): PresentedCertificates | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  const intermediates: X509Certificate[] = [];
  for (let next = leaf.issuerCertificate; next !== undefined; next = next.issuerCertificate) intermediates.push(next);
  return { leaf, intermediates };
}

/** Node appends advice for clients to OpenSSL's text. */
const NODE_ADVICE = "; if the root CA is installed locally";
/**
 * OpenSSL goes on after a failed check, and the last failure stays. For a leaf whose issuer is unknown that is
 * "unable to verify the first certificate"; the first, and the one `openssl verify` names, says what is wrong.
 */
const LEAF_UNVERIFIED = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
const ISSUER_UNKNOWN = "unable to get local issuer certificate";

/**
 * OpenSSL's text for a failed verification, `""` when there is none. Node's public `authorizationError` is a code, and
 * `UNSPECIFIED` for the rarer ones; the text is one call away on the handle. Only words depend on it, never the verdict.
 */
export function readVerifyError(socket: TLSSocket): string {
  if (socket.authorized) return "";
  const { _handle: handle } = socket as TLSSocket & { _handle?: { verifyError?: () => NodeJS.ErrnoException | null } };
  const error = handle?.verifyError?.();
  if (error?.code === LEAF_UNVERIFIED) return ISSUER_UNKNOWN;
  return error?.message.split(NODE_ADVICE, 1)[0] ?? String(socket.authorizationError ?? "");
}
