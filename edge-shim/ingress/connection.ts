/**
 * One TLS connection: what its handshake proved, whether that still holds, and the assertion that says so.
 *
 * Judged once at the handshake and looked at again on every request, because between two requests a CA certificate
 * may be removed, a domain may move, a certificate may expire. When nothing changed that look is three comparisons.
 */
import { hash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { EdgeAssertion } from "../../src/contract/edge-assertion.ts";
import { parseHostname } from "../../src/contract/hostname.ts";
import { ASSERTION_RENEW_BEFORE_SECONDS, ASSERTION_TTL_SECONDS } from "../../src/contract/limits.ts";
import { type CertVerified, NO_CLIENT_CERTIFICATE, type TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { describeClientCertificate, type TlsClientAuthResult } from "../../src/x509/tls-client-auth.ts";
import type { AccountCaSet, Domain, TrustStore } from "../trust/trust-store.ts";
import type { AssertionSigner } from "./assertion-signer.ts";
import { readClientAddress, tcpSocketOf } from "./client-address.ts";
import { type PresentedCertificates, readVerifyError, takeHandshake } from "./handshake.ts";
import type { SecondOpinion } from "./second-opinion.ts";
import {
  findMistakenRoot,
  type HandshakeFacts,
  isValidAt,
  judgeAgain,
  judgeHandshake,
  REASON,
  type Verdict,
} from "./verdict.ts";

const ASSERTION_REUSE_MS = (ASSERTION_TTL_SECONDS - ASSERTION_RENEW_BEFORE_SECONDS) * 1_000;

/** What every connection of an edge shares. */
export interface ConnectionEnvironment {
  readonly trust: TrustStore;
  readonly signer: AssertionSigner;
  readonly secondOpinion: SecondOpinion;
  /** The environment that this edge serves, stated in every assertion */
  readonly environment: string;
  /** The only domain for connections without a server name */
  readonly defaultHostname: string;
  /** Milliseconds since the epoch */
  readonly clock: () => number;
}

export class IngressConnection {
  /** Of the client, as the load balancer says where one is in front */
  readonly remoteAddress: string;
  readonly httpProtocol: "HTTP/1.1" | "HTTP/2";
  readonly tlsVersion: string;
  /** The one host name that requests on this connection may ask for; undefined when the SNI name is no host name */
  readonly hostname: string | undefined;
  readonly leafFingerprint: string | undefined;
  readonly cipher: string;
  /** HTTP/1.1 requests whose turn has not come (pipelining.ts) */
  waitingRequests = 0;
  readonly #environment: ConnectionEnvironment;
  readonly #hasServerName: boolean;
  readonly #handshakeCaSet: AccountCaSet | undefined;
  readonly #presented: PresentedCertificates | undefined;
  /** The leaf had expired at the handshake, or was not yet valid: time alone, or a clock put right, may change that. */
  readonly #wasUntimely: boolean;
  #secondOpinion: Promise<boolean> | undefined;
  #clientAuth: Promise<TlsClientAuthResult> | undefined;
  #verdict: Verdict;
  /** The verdict if OpenSSL confirms it; asked for at the first request, once */
  #mistakenRoot: (Verdict & { status: "SUCCESS" }) | undefined;
  #domain: Domain | undefined;
  #epoch: number;
  #mustClose = false;
  #requests = 0;
  #assertion: string | undefined;
  #assertionSignedMs = 0;

  /** @param socket must have completed its handshake */
  constructor(socket: TLSSocket, environment: ConnectionEnvironment) {
    const servername: string | false | null = socket.servername;
    const { caSet, presented } = takeHandshake(socket);
    this.#environment = environment;
    this.#hasServerName = Boolean(servername);
    this.hostname = this.#hasServerName ? parseHostname(String(servername)) : environment.defaultHostname;
    this.remoteAddress = readClientAddress(tcpSocketOf(socket));
    this.httpProtocol = socket.alpnProtocol === "h2" ? "HTTP/2" : "HTTP/1.1";
    this.tlsVersion = socket.getProtocol() ?? "";
    this.cipher = socket.getCipher().standardName;
    this.leafFingerprint = presented?.leaf.fingerprint256;
    this.#presented = presented;
    this.#handshakeCaSet = caSet;
    const facts: HandshakeFacts = {
      authorized: socket.authorized,
      verifyError: readVerifyError(socket),
      verifyErrorCode: socket.authorizationError === null ? undefined : String(socket.authorizationError),
      resumed: socket.isSessionReused(),
      presented,
      caSet,
    };
    const nowMs = environment.clock();
    this.#wasUntimely = presented !== undefined && !isValidAt(presented.leaf, nowMs);
    this.#verdict = judgeHandshake(facts, nowMs);
    this.#mistakenRoot = findMistakenRoot(facts, nowMs);
    this.#domain = this.#findDomain();
    // One behind, so that the first request looks again: the bundle may have changed during the handshake.
    this.#epoch = environment.trust.epoch - 1;
  }

  /** The verdict as of the last {@link refresh} */
  get verdict(): Verdict {
    return this.#verdict;
  }

  /** The active domain behind {@link hostname}, as of the last {@link refresh} */
  get domain(): Domain | undefined {
    return this.#domain;
  }

  /** A new handshake could end otherwise: close after the answer, so that the client makes one. */
  get mustClose(): boolean {
    return this.#mustClose;
  }

  /** How many requests came on this connection, this one included */
  countRequest(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** Brings domain and verdict up to date. Call before every request. */
  refresh(nowMs: number): void {
    if (this.#wasUntimely && this.#presented && isValidAt(this.#presented.leaf, nowMs)) this.#mustClose = true;
    const verdict = this.#verdict;
    const isCurrent = this.#epoch === this.#environment.trust.epoch;
    if (isCurrent && (verdict.status !== "SUCCESS" || isWithin(verdict, nowMs))) return;
    this.#epoch = this.#environment.trust.epoch;
    const domain = this.#findDomain();
    if (domain?.project !== this.#domain?.project || domain?.caSet.account !== this.#domain?.caSet.account) {
      this.#assertion = undefined;
    }
    this.#domain = domain;
    this.#judgeAgain(domain?.caSet, nowMs);
  }

  /** The assertion for this connection's verdict if one is at hand that is still fresh; the hot path. */
  currentAssertion(nowMs: number): string | undefined {
    const age = nowMs - this.#assertionSignedMs;
    return age >= 0 && age < ASSERTION_REUSE_MS ? this.#assertion : undefined;
  }

  /** Signs an assertion for `domain`; the next {@link currentAssertion} returns it. */
  async signAssertion(domain: Domain, nowMs: number): Promise<string> {
    await this.#askAgain();
    const clientAuth = await this.#describeClientAuth();
    const verdict = this.#verdict;
    const token = await this.#environment.signer.sign(this.#state(domain, verdict, clientAuth), nowMs);
    // Only kept when nothing changed while it was being made: it must not outlive a verdict.
    if (this.#verdict === verdict && this.#domain === domain) {
      this.#assertion = token;
      this.#assertionSignedMs = nowMs;
    }
    return token;
  }

  #findDomain(): Domain | undefined {
    return this.hostname === undefined ? undefined : this.#environment.trust.findDomain(this.hostname);
  }

  #judgeAgain(present: AccountCaSet | undefined, nowMs: number): void {
    const before = this.#verdict;
    if (before.status === "SUCCESS") {
      const isSameAccount = present !== undefined && present.account === this.#handshakeCaSet?.account;
      this.#setVerdict(
        isSameAccount ? judgeAgain(before, present, nowMs) : { status: "FAILED", reason: REASON.caRemoved },
      );
      if (this.#verdict.status !== "SUCCESS") this.#mustClose = true;
    } else if (this.#hasServerName && present !== this.#handshakeCaSet) {
      this.#mustClose = true;
    }
  }

  async #askAgain(): Promise<void> {
    const verdict = this.#mistakenRoot;
    const presented = this.#presented;
    const caSet = this.#handshakeCaSet;
    if (verdict === undefined || presented === undefined || caSet === undefined) return;
    this.#secondOpinion ??= this.#environment.secondOpinion.isVerified(presented, caSet, verdict);
    const isVerified = await this.#secondOpinion;
    if (this.#mistakenRoot === undefined) return;
    this.#mistakenRoot = undefined;
    if (isVerified) {
      this.#setVerdict(verdict);
      // What happened to the CA set in the meantime is found by the next look.
      this.#epoch -= 1;
    }
  }

  #setVerdict(verdict: Verdict): void {
    if (verdict === this.#verdict) return;
    this.#verdict = verdict;
    this.#assertion = undefined;
  }

  async #describeClientAuth(): Promise<TlsClientAuth> {
    if (this.#presented === undefined) return NO_CLIENT_CERTIFICATE;
    this.#clientAuth ??= describe(this.#presented, this.#verdict);
    const described = await this.#clientAuth;
    if (!described.ok) this.#setVerdict({ status: "FAILED", reason: REASON.unreadable });
    return described.tlsClientAuth;
  }

  #state(domain: Domain, verdict: Verdict, clientAuth: TlsClientAuth): EdgeAssertion {
    const anchors = verdict.status === "SUCCESS" ? verdict.anchors : [];
    return {
      audience: domain.hostname,
      account: domain.caSet.account,
      project: domain.project,
      environment: this.#environment.environment,
      client: { address: this.remoteAddress, httpProtocol: this.httpProtocol },
      tls: { version: this.tlsVersion, cipher: this.cipher },
      trustAnchors: anchors.map(({ id, name }) => ({ id, name })),
      tlsClientAuth: { ...clientAuth, certVerified: printVerdict(verdict) },
    };
  }
}

function isWithin(verdict: Verdict & { status: "SUCCESS" }, nowMs: number): boolean {
  return nowMs >= verdict.validFromMs && nowMs <= verdict.validUntilMs;
}

function printVerdict(verdict: Verdict): CertVerified {
  return verdict.status === "FAILED" ? `FAILED:${verdict.reason}` : verdict.status;
}

/** Once a connection: nothing in the description but the verdict, which is stated anew each time, can change. */
function describe({ leaf, intermediates }: PresentedCertificates, verdict: Verdict): Promise<TlsClientAuthResult> {
  const anchors = verdict.status === "SUCCESS" ? verdict.anchors : [];
  const issuer = anchors.find((anchor) => leaf.checkIssued(anchor.x509))?.x509.raw;
  return describeClientCertificate({
    leaf: leaf.raw,
    fingerprints: { sha1: hash("sha1", leaf.raw, "buffer"), sha256: hash("sha256", leaf.raw, "buffer") },
    chain: intermediates.map((certificate) => certificate.raw),
    certVerified: printVerdict(verdict),
    ...(issuer === undefined ? {} : { issuer }),
  });
}
