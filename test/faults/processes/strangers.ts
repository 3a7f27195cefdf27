/** Clients that must not be taken for verified ones, whatever befalls the edge: they go on asking and note what they hear. */
import { setTimeout as delay } from "node:timers/promises";
import type { VerdictAnswer } from "./answers.ts";
import type { ClientsInput } from "./clients.ts";
import { createHttp1Client, type HttpClient } from "./http-client.ts";
import { count, describeFailure, type Tally, tlsOptions } from "./verified-clients.ts";

const INTERVAL_MS = 250;

/** A JWS in the shape of an assertion that says SUCCESS, signed by nobody */
function forgeAssertion(hostname: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const tlsClientAuth = { certPresented: "1", certVerified: "SUCCESS", certSubjectDN: "CN=forged" };
  const header = { alg: "none", typ: "edge-assertion+jwt" };
  return `${encode(header)}.${encode({ aud: hostname, tlsClientAuth })}.`;
}

function forgedHeaders({ hostname }: ClientsInput): Record<string, string> {
  const assertion = forgeAssertion(hostname);
  return {
    "sallyport-edge-assertion": assertion,
    sallyport_edge_assertion: assertion,
    "client-cert": ":AAAA:",
    "x-forwarded-client-cert": "Subject=forged",
    "ssl-client-verify": "SUCCESS",
    "x-ssl-client-verify": "SUCCESS",
    "cf-client-cert-verified": "true",
  };
}

/** @param tally read each time: the parent's question puts a new one in its place */
export function startStrangers(input: ClientsInput, tally: () => Tally): void {
  const kinds: [presented: boolean, headers: Record<string, string>][] = [
    [false, {}],
    [true, {}],
    [false, forgedHeaders(input)],
    [true, forgedHeaders(input)],
  ];
  for (const [isRogue, headers] of kinds) {
    const tls = tlsOptions(input, isRogue ? input.rogue : undefined);
    for (const isKept of [true, false]) void keepAsking(createHttp1Client(tls, { isKept }), { input, headers, tally });
  }
}

async function keepAsking(
  client: HttpClient,
  { input, headers, tally }: { input: ClientsInput; headers: Record<string, string>; tally: () => Tally },
): Promise<never> {
  for (;;) {
    await delay(INTERVAL_MS);
    const heard = await client.get("/", { host: input.hostname, ...headers }).then(
      ({ status, body }) => (status === 200 ? readVerdict(body) : String(status)),
      (error: unknown) => describeFailure(error),
    );
    count(tally().strangers, heard);
    if (heard.includes("SUCCESS")) tally().wrong.push(`a stranger was told ${heard}`);
  }
}

function readVerdict(body: string): string {
  try {
    return (JSON.parse(body) as VerdictAnswer).verdict;
  } catch {
    return `something unreadable: ${body.slice(0, 100)}`;
  }
}
