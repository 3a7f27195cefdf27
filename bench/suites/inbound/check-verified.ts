/** A fast answer would be worth nothing from a server that believes anybody. */
import { request as requestPlain } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { VERDICT_PATH } from "../../processes/worker-answers.ts";
import { type ClientSide, HOSTNAME, type KeyPair } from "./client-side.ts";
import type { Ingress, IngressKey } from "./ingresses.ts";

const VERIFIED = "SUCCESS";
const ASK_FOR_NONE: readonly IngressKey[] = ["wrangler", "none"];

/**
 * A client with the certificate is verified; one with the certificate of another CA and one without are refused, or the
 * worker is told. Also for contenders that ask for no certificate: nobody may be called verified by them.
 *
 * @throws Error naming who believed whom
 */
export async function checkVerified(ingress: Ingress, { client, stranger }: ClientSide): Promise<void> {
  const expected = ASK_FOR_NONE.includes(ingress.key) ? "NONE" : VERIFIED;
  const { body } = await ask(ingress, VERDICT_PATH, client);
  if (body !== expected) throw new Error(`"${body}" is what "${ingress.name}" said about a client certificate`);
  for (const [who, keyPair] of [["a stranger", stranger] as const, ["nobody", undefined] as const]) {
    // Some refuse in the handshake.
    const verdict = await ask(ingress, VERDICT_PATH, keyPair).catch(() => undefined);
    if (verdict?.body === VERIFIED) throw new Error(`"${ingress.name}" calls ${who} verified`);
  }
}

export interface Answer {
  status: number | undefined;
  body: string;
}

/** One request on a connection of its own. @throws the system's error when the handshake failed */
export async function ask(
  { url, port, serverCa }: Pick<Ingress, "url" | "port" | "serverCa">,
  path: string,
  keyPair?: KeyPair,
): Promise<Answer> {
  const headers = { host: HOSTNAME };
  const isPlain = url.startsWith("http:");
  const tls = isPlain ? {} : { servername: HOSTNAME, ca: serverCa, ...keyPair };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const send = isPlain ? requestPlain : request;
  send({ host: "127.0.0.1", port, path, headers, agent: false, ...tls }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
  })
    .once("error", reject)
    .end();
  return promise;
}
