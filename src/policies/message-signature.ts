/**
 * Verifies HTTP message signatures (RFC 9421) of requests, made with `hmac-sha256` (section 3.3.3). Of the components only
 * those are known that a CDN needs: parts of the request's line, and header fields as they are. A signature that covers
 * anything else is not verified rather than verified in part.
 */
import { type BareItem, type InnerList, parseDictionary, serializeInnerList } from "structured-headers";

/** A client may send signatures of its own beside the CDN's; this many are looked at. */
const SIGNATURES_MAX = 4;
/** How far the signer's clock may be ahead */
const CLOCK_TOLERANCE_SECONDS = 5;

export interface SignatureRules {
  /** Shared with the signer, any of them */
  secrets: readonly Uint8Array[];
  /** Components that have to be covered, lower case */
  covered: readonly string[];
  maxAgeSeconds: number;
}

export type SignatureResult = { ok: true } | { ok: false; reason: string };

/** One signature that meets the rules is enough. */
export async function verifyMessageSignature(
  request: Request,
  rules: SignatureRules,
  now: Date,
): Promise<SignatureResult> {
  let reason = "there is no signature";
  for (const { label, input, signature } of readSignatures(request.headers)) {
    const problem =
      findParameterProblem(input[1], rules, now) ??
      findCoverageProblem(input, rules.covered) ??
      (await findMacProblem(request, input, signature, rules.secrets));
    if (problem === undefined) return { ok: true };
    reason = `the signature "${label}" ${problem}`;
  }
  return { ok: false, reason };
}

interface LabelledSignature {
  label: string;
  input: InnerList;
  signature: ArrayBuffer;
}

/** Section 4: two dictionaries with the same labels. What does not parse is not there. */
function readSignatures(headers: Headers): LabelledSignature[] {
  try {
    const inputs = parseDictionary(headers.get("signature-input") ?? "");
    const signatures = parseDictionary(headers.get("signature") ?? "");
    const read = [...inputs].flatMap(([label, [components, parameters]]) => {
      const signature = signatures.get(label)?.[0];
      if (!Array.isArray(components) || !(signature instanceof ArrayBuffer)) return [];
      return [{ label, input: [components, parameters] satisfies InnerList, signature }];
    });
    return read.slice(0, SIGNATURES_MAX);
  } catch {
    return [];
  }
}

function findParameterProblem(
  parameters: ReadonlyMap<string, BareItem>,
  { maxAgeSeconds }: SignatureRules,
  now: Date,
): string | undefined {
  const [created, expires, algorithm] = ["created", "expires", "alg"].map((name) => parameters.get(name));
  const age = Number.isInteger(created) ? now.getTime() / 1000 - Number(created) : Number.NaN;
  if (Number.isNaN(age)) return "does not say when it was created";
  if (age < -CLOCK_TOLERANCE_SECONDS) return "was created in the future: compare the clocks";
  if (age > maxAgeSeconds) return `is older than ${maxAgeSeconds} s`;
  if (expires !== undefined && !(typeof expires === "number" && expires > now.getTime() / 1000)) return "has expired";
  return algorithm === undefined || algorithm === "hmac-sha256" ? undefined : 'is not of the algorithm "hmac-sha256"';
}

function findCoverageProblem([components]: InnerList, covered: readonly string[]): string | undefined {
  const plain = components.flatMap(([name, parameters]) => (parameters.size === 0 ? [name] : []));
  const missing = covered.find((name) => !plain.includes(name));
  return missing === undefined ? undefined : `does not cover "${missing}"`;
}

async function findMacProblem(
  request: Request,
  input: InnerList,
  signature: ArrayBuffer,
  secrets: readonly Uint8Array[],
): Promise<string | undefined> {
  const base = createSignatureBase(request, input);
  if (base === undefined) return "covers what is not there, or cannot be read here";
  const bytes = new TextEncoder().encode(base);
  const matches = await Promise.all(secrets.map((secret) => isMacOf(bytes, signature, secret)));
  return matches.includes(true) ? undefined : "is not of this request, or was made with another secret";
}

/** `crypto.subtle.verify` compares in constant time. */
async function isMacOf(bytes: Uint8Array, signature: ArrayBuffer, secret: Uint8Array): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm, key, signature, bytes);
}

/** Section 2.5. Undefined where a component repeats, is unknown or missing. */
function createSignatureBase(request: Request, input: InnerList): string | undefined {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const [name, parameters] of input[0]) {
    const value = typeof name === "string" && parameters.size === 0 ? readComponent(request, name) : undefined;
    if (typeof name !== "string" || value === undefined || seen.has(name)) return undefined;
    seen.add(name);
    lines.push(`"${name}": ${value}`);
  }
  return [...lines, `"@signature-params": ${serializeInnerList(input)}`].join("\n");
}

/** Sections 2.1 and 2.2; field names are written lower case in a signature. */
function readComponent(request: Request, name: string): string | undefined {
  const url = new URL(request.url);
  switch (name) {
    case "@method":
      return request.method;
    case "@target-uri":
      return url.href;
    case "@authority":
      return url.host;
    case "@scheme":
      return url.protocol.slice(0, -1);
    case "@path":
      return url.pathname;
    case "@query":
      return url.search === "" ? "?" : url.search;
    default:
      return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) ? (request.headers.get(name) ?? undefined) : undefined;
  }
}
