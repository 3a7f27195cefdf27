/** What the proxies on Node have in common: how they ask for client certificates, and what they tell the worker. */
import { constants } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket, TlsOptions } from "node:tls";
import { KEEP_ALIVE_SECONDS } from "./ingress.ts";
import type { TlsParty } from "./tls-files.ts";
import { CLIENT_SUBJECT_HEADER, CLIENT_VERIFY_HEADER } from "./worker-answers.ts";

/** Refuses whoever has no certificate of the CA, in the handshake. */
export function askForCertificates({ cert, key, ca }: TlsParty): TlsOptions & { keepAliveTimeout: number } {
  return {
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
    secureOptions: constants.SSL_OP_NO_TICKET,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1_000,
  };
}

/** `headers` with what the handshake said; what the client said under these names is overwritten. */
export function addVerdict(headers: IncomingHttpHeaders, socket: Socket): IncomingHttpHeaders {
  const client = socket as TLSSocket;
  return {
    ...headers,
    [CLIENT_VERIFY_HEADER.toLowerCase()]: client.authorized ? "SUCCESS" : "FAILED",
    [CLIENT_SUBJECT_HEADER.toLowerCase()]: client.getPeerX509Certificate()?.subject.replaceAll("\n", ","),
  };
}
