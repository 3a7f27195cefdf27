/**
 * SNI → TLS context: which server certificate is shown, and against which CA set OpenSSL judges the client's.
 *
 * A context is built when its name is first asked for and kept until the CA set or the server certificate of that
 * name changes, so a change in one account costs the others nothing. A name that is not an active domain, and a
 * connection without a name, get an EMPTY CA set: Node takes `ca: []` as that, but `ca: undefined` as "whatever the
 * system trusts", which would let any publicly issued certificate verify.
 */
import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import { parseHostname } from "../../src/contract/hostname.ts";
import type { AccountCaSet, TrustStore } from "../trust/trust-store.ts";
import { observeHandshake } from "./handshake.ts";
import { CACHED_NAMES_MAX, type ServerCertificate, type ServerCertificates } from "./server-certificates.ts";

/**
 * No tickets and no handler that would take a session up: resumption skips certificate verification and has broken
 * client authentication in nginx (CVE-2025-23419), Apache (CVE-2025-23048), Go (CVE-2025-68121) and Node (#35317).
 * No renegotiation: it would change the client certificate in the middle of a connection.
 */
export const CONTEXT_OPTIONS: SecureContextOptions = {
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
};

/** At about 80 KiB each with ten CA certificates, what a busy edge keeps stays below 200 MiB. */
const CONTEXTS_MAX = CACHED_NAMES_MAX;
export type ServerNameCallback = (
  this: TLSSocket,
  servername: string,
  callback: (error: Error | null, context?: SecureContext) => void,
) => void;

interface CachedContext {
  context: SecureContext;
  caSet: AccountCaSet | undefined;
  certificate: ServerCertificate;
}

export function createServerNameCallback(
  trust: TrustStore,
  serverCertificates: ServerCertificates,
  onError: (error: unknown, servername: string) => void,
): ServerNameCallback {
  const contexts = new Map<string, CachedContext>();

  async function findContext(servername: string): Promise<CachedContext> {
    const hostname = parseHostname(servername);
    const caSet = hostname === undefined ? undefined : trust.findDomain(hostname)?.caSet;
    const isOurs = hostname !== undefined && (caSet !== undefined || isLocalhost(hostname));
    const certificate = await (isOurs ? serverCertificates.forHostname(hostname) : serverCertificates.fallback());
    const cacheKey = isOurs ? hostname : "";
    const known = contexts.get(cacheKey);
    const isCurrent = known !== undefined && known.caSet === caSet && known.certificate === certificate;
    const current = isCurrent ? known : { context: createContext(certificate, caSet), caSet, certificate };
    if (known !== undefined && !isCurrent) release(known.context);
    contexts.delete(cacheKey);
    contexts.set(cacheKey, current);
    const [leastRecentlyUsed] = contexts;
    if (contexts.size > CONTEXTS_MAX && leastRecentlyUsed !== undefined) {
      contexts.delete(leastRecentlyUsed[0]);
      release(leastRecentlyUsed[1].context);
    }
    return current;
  }

  return function chooseContext(servername, callback) {
    findContext(servername).then(
      ({ context, caSet }) => {
        observeHandshake(this, caSet);
        callback(null, context);
      },
      (error: unknown) => {
        onError(error, servername);
        callback(error as Error);
      },
    );
  };
}

/**
 * Frees a context that no new handshake will be given; connections that were made with it keep what they need. V8 does
 * not know how much OpenSSL holds behind it and would let hundreds of MiB pile up (measured: 608 against 170 MiB after
 * 8,000 contexts of which 1,000 were kept).
 */
function release(context: SecureContext): void {
  const { context: handle } = context as SecureContext & { context?: { close?: () => void } };
  // Not at once: the handshake that asked for it may be about to take it.
  setImmediate(() => handle?.close?.());
}

export function createContext(certificate: ServerCertificate, caSet: AccountCaSet | undefined): SecureContext {
  return createSecureContext({
    ...CONTEXT_OPTIONS,
    cert: certificate.certificatePem,
    key: certificate.keyPem,
    ca: caSet?.caCertificates.map((ca) => ca.pem) ?? [],
  });
}

function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}
