/**
 * TXT records by DNS over HTTPS in its JSON form (`application/dns-json`, as Cloudflare, Google and most resolvers
 * speak it): a Workers runtime has no sockets for DNS itself.
 */
import { z } from "zod";

const LOOKUP_TIMEOUT_MILLISECONDS = 5_000;
const TXT = 16;
const NOERROR = 0;
const NXDOMAIN = 3;

const answerSchema = z.object({
  Status: z.number(),
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).default([]),
});

type TxtLookup = { ok: true; values: string[] } | { ok: false; reason: string };

/** A name that does not exist has no values; a resolver that does not answer properly is a failure. */
export async function lookUpTxt(name: string, resolverUrl: string): Promise<TxtLookup> {
  const url = new URL(resolverUrl);
  url.searchParams.set("name", name);
  url.searchParams.set("type", "TXT");
  try {
    const response = await fetch(url, {
      headers: { accept: "application/dns-json" },
      redirect: "manual",
      signal: AbortSignal.timeout(LOOKUP_TIMEOUT_MILLISECONDS),
    });
    if (response.status !== 200) return { ok: false, reason: `the resolver answered ${response.status}` };
    return readAnswer(await response.json());
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function readAnswer(document: unknown): TxtLookup {
  const answer = answerSchema.safeParse(document);
  if (!answer.success) return { ok: false, reason: "the resolver's answer is not DNS in JSON" };
  const { Status: status, Answer: records } = answer.data;
  if (status !== NOERROR && status !== NXDOMAIN) return { ok: false, reason: `the resolver's status is ${status}` };
  return { ok: true, values: records.filter(({ type }) => type === TXT).map(({ data }) => joinStrings(data)) };
}

/** `"sallyport-" "verify=…"` → `sallyport-verify=…`: a record is a row of strings, which some resolvers leave quoted. */
function joinStrings(data: string): string {
  const strings = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner]) => inner ?? "");
  return strings.length === 0 ? data : strings.join("").replace(/\\(.)/g, "$1");
}
