/**
 * The edge's decision about a chain, reached with the edge's own code in the edge's own order: the domain's CA set,
 * OpenSSL, ingress/verdict.ts, the second look at a root that has a namesake, and last whether the leaf can be described
 * (ingress/connection.ts has the same steps, spread over the life of a connection).
 */

import { rehearseHandshake } from "../../edge-shim/ingress/rehearse-handshake.ts";
import { createSecondOpinion } from "../../edge-shim/ingress/second-opinion.ts";
import {
  createEdgeCa,
  createServerCertificates,
  type ServerCertificate,
} from "../../edge-shim/ingress/server-certificates.ts";
import {
  findMistakenRoot,
  type HandshakeFacts,
  judgeHandshake,
  REASON,
  type Verdict,
} from "../../edge-shim/ingress/verdict.ts";
import type { AccountCaSet } from "../../edge-shim/trust/trust-store.ts";
import type { TlsClientAuth } from "../../src/contract/tls-client-auth.ts";
import { describeClientCertificate } from "../../src/x509/tls-client-auth.ts";
import { findUnfitKey } from "./handshake-key.ts";

export interface Judgement {
  /** FAILED as well where the handshake ends, or brings no certificate, which leaves nothing to give a verdict on */
  readonly verdict: Verdict;
  readonly isHandshakeRefused: boolean;
  /** What a worker is told about the leaf; `certVerified` in it is not filled in */
  readonly described: TlsClientAuth;
}

/** Of this Node's OpenSSL, `SSL_MAX_CERT_LIST_DEFAULT` */
export const CERTIFICATE_LIST_MAX_BYTES = 100 * 1024;

/**
 * @param chain DER, the leaf first
 * @param caSet of the active domain; undefined when the name is not one
 * @param nowMs for what the edge looks at itself; OpenSSL has the clock of the machine
 */
export async function judgeAsEdge(
  chain: readonly [Uint8Array, ...Uint8Array[]],
  caSet: AccountCaSet | undefined,
  nowMs: number,
): Promise<Judgement> {
  const [leaf, ...others] = chain;
  const description = await describeClientCertificate({ leaf, chain: others, certVerified: "FAILED" });
  const serverCertificates = await createServerCertificates(await createEdgeCa(new Date()), () => new Date());
  const serverCertificate = await serverCertificates.fallback();
  const rehearsal = await rehearseHandshake(chain, caSet, serverCertificate);
  const described = description.tlsClientAuth;
  if (rehearsal.isRefused) {
    const reason = `the TLS handshake ends: ${rehearsal.reason}`;
    return { verdict: { status: "FAILED", reason }, isHandshakeRefused: true, described };
  }
  const unfitKey = description.ok ? findUnfitKey(description.certificate.publicKey) : undefined;
  if (unfitKey !== undefined) {
    const reason = `the TLS handshake ends: no client signs it with a key of ${unfitKey}`;
    return { verdict: { status: "FAILED", reason }, isHandshakeRefused: true, described };
  }
  const verdict: Verdict = description.ok
    ? await judgeTwice(rehearsal.facts, serverCertificate, nowMs)
    : { status: "FAILED", reason: REASON.unreadable };
  return { verdict, isHandshakeRefused: false, described };
}

async function judgeTwice(
  facts: HandshakeFacts,
  serverCertificate: ServerCertificate,
  nowMs: number,
): Promise<Verdict> {
  const { presented, caSet } = facts;
  const mistakenRoot = findMistakenRoot(facts, nowMs);
  if (presented !== undefined && caSet !== undefined && mistakenRoot !== undefined) {
    if (await createSecondOpinion(serverCertificate).isVerified(presented, caSet, mistakenRoot)) return mistakenRoot;
  }
  return judgeHandshake(facts, nowMs);
}
