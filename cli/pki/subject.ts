/** Names for new certificates, from what a person types. */
import { encodeDistinguishedName } from "../../fixtures/pki/distinguished-name.ts";
import type { GeneralNameText } from "../../fixtures/pki/general-name.ts";
import { parseHostname } from "../../src/contract/hostname.ts";
import { parseDistinguishedName } from "../../src/x509/distinguished-name.ts";
import { parseIpAddress } from "../../src/x509/ip-address.ts";
import { refuse } from "../api/refusal.ts";

type Subject = ReturnType<typeof encodeDistinguishedName>;

/** @throws Refusal for what is not RFC 4514 */
export function parseSubject(text: string): Subject {
  const hint = 'write it like "CN=client,O=Example,C=US", with a backslash before a comma in a value';
  const parsed = parseDistinguishedName(text);
  if (!parsed.ok) {
    throw refuse("subject_invalid", `"${text}" is not a distinguished name: ${parsed.reason}`, hint);
  }
  try {
    return encodeDistinguishedName(text);
  } catch (cause) {
    throw refuse("subject_invalid", (cause as Error).message, hint);
  }
}

export function commonName(name: string): Subject {
  return encodeDistinguishedName([{ type: "CN", value: name }]);
}

const ASCII = /^[\x21-\x7e]+$/;

const KINDS: Record<string, { isValid: (value: string) => boolean; example: string }> = {
  dns: {
    isValid: (value) => parseHostname(value.replace(/^\*\./, "")) !== undefined,
    example: "dns:client.example.com",
  },
  uri: { isValid: (value) => ASCII.test(value) && URL.canParse(value), example: "uri:spiffe://example.com/client" },
  email: { isValid: (value) => ASCII.test(value) && /^[^@]+@[^@]+$/.test(value), example: "email:client@example.com" },
  ip: { isValid: (value) => parseIpAddress(value) !== undefined, example: "ip:192.0.2.1" },
};

/** @throws Refusal for a kind that is not known, and a value that is not of its kind */
export function parseSubjectAlternativeName(text: string): GeneralNameText {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined) {
    const examples = Object.values(KINDS).map(({ example }) => example);
    const detail = `"${text}" is not a subject alternative name, allowed are ${Object.keys(KINDS).join(", ")}`;
    throw refuse("san_invalid", detail, `write it like ${examples.join(", ")}`);
  }
  if (!kind.isValid(text.slice(colon + 1))) {
    throw refuse("san_invalid", `"${text}" does not name a ${name}`, `write it like ${kind.example}`);
  }
  return text as GeneralNameText;
}
