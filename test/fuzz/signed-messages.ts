/** Messages, and signatures of them (RFC 9421, `hmac-sha256`), for the properties of message-signatures.test.ts. */
import { createHmac } from "node:crypto";
import fc from "fast-check";

export const NOW_SECONDS = 1_800_000_000;
/** Have to be covered */
export const COVERED = ["@method", "@target-uri", "x-client"];
export const SECRET = "the CDN's secret";

export interface Message {
  method: string;
  host: string;
  path: string;
  query: string;
  client: string;
  other: string;
}

/** Few of each, so that two messages are often the same but for one part. */
export const message: fc.Arbitrary<Message> = fc.record({
  method: fc.constantFrom("GET", "POST", "DELETE"),
  host: fc.constantFrom("a.example", "b.example", "a.example:8443"),
  path: fc.constantFrom("/", "/a", "/a/", "/A", "/%61"),
  query: fc.constantFrom("", "?", "?a=1", "?a=1&a=2"),
  client: fc.constantFrom("CN=a", "CN=b", "CN=a,O=b", 'CN="a"', "CN=a, CN=b"),
  other: fc.constantFrom("1", "2"),
});

const hrefOf = ({ host, path, query }: Message) => `https://${host}${path}${query}`;
export const requestOf = (parts: Message, headers: Record<string, string> = {}) => {
  const given = { "x-client": parts.client, "x-other": parts.other, ...headers };
  return new Request(hrefOf(parts), { method: parts.method, headers: given });
};

/** Written apart from message-signature.ts: section 2.5. */
export function componentOf(parts: Message, name: string): string | undefined {
  const values: Record<string, string> = {
    "@method": parts.method,
    "@target-uri": hrefOf(parts),
    "@authority": parts.host,
    "@scheme": "https",
    "@path": parts.path,
    "@query": parts.query === "" ? "?" : parts.query,
    "x-client": parts.client,
    "x-other": parts.other,
  };
  return values[name];
}

interface Signing {
  components?: readonly string[];
  parameters?: string;
  secret?: string;
  label?: string;
}

export interface Signed {
  input: string;
  signature: string;
}

/** As a CDN would: written apart from the code under test */
export function sign(
  parts: Message,
  { components = COVERED, parameters = `;created=${NOW_SECONDS}`, secret = SECRET, label = "sig" }: Signing = {},
): Signed {
  const input = `(${components.map((name) => `"${name}"`).join(" ")})${parameters}`;
  const lines = components.map((name) => `"${name}": ${componentOf(parts, name)}\n`).join("");
  const mac = createHmac("sha256", secret).update(`${lines}"@signature-params": ${input}`).digest("base64");
  return { input: `${label}=${input}`, signature: `${label}=:${mac}:` };
}

/** With components as they are written in the field, and in the base or not. */
export function signWritten(
  parts: Message,
  names: readonly string[],
  components: readonly string[],
  isWritten: boolean,
): Signed {
  const input = `(${components.join(" ")});created=${NOW_SECONDS}`;
  const lines = names.map((name, index) => {
    return `${isWritten ? components[index] : `"${name}"`}: ${componentOf(parts, name)}\n`;
  });
  const base = `${lines.join("")}"@signature-params": ${input}`;
  return { input: `sig=${input}`, signature: `sig=:${createHmac("sha256", SECRET).update(base).digest("base64")}:` };
}
