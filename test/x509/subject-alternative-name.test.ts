/** Rules on the names of a leaf: what they let in and, more important, what they do not. */
import { describe, expect, test } from "vitest";
import type { SubjectAlternativeNames } from "../../src/x509/certificate-extensions.ts";
import { formatIpAddress } from "../../src/x509/ip-address.ts";
import { parseSanRule } from "../../src/x509/subject-alternative-name.ts";

const none: SubjectAlternativeNames = { dns: [], uri: [], email: [], ip: [], otherCount: 0 };

function matches(rule: string, names: Partial<SubjectAlternativeNames>): boolean {
  const result = parseSanRule(rule);
  if (!result.ok) throw new Error(result.reason);
  return result.rule.matches({ ...none, ...names });
}

describe("a dns rule", () => {
  test.each([
    ["dns:a.example.com", "a.example.com", true],
    ["dns:A.Example.com", "a.eXample.COM", true],
    ["DNS:a.example.com", "a.example.com", true],
    ["dns:*.example.com", "a.example.com", true],
    ["dns:*.EXAMPLE.com", "B.example.COM", true],
    ["dns:localhost", "localhost", true],
    ["dns:a.example.com", "b.example.com", false],
    ["dns:a.example.com", "*.example.com", false],
    ["dns:*.example.com", "*.example.com", false],
    ["dns:*.example.com", "a.b.example.com", false],
    ["dns:*.example.com", "example.com", false],
    ["dns:*.example.com", ".example.com", false],
    ["dns:*.example.com", "a.example.com.evil.com", false],
    ["dns:*.example.com", "evil\0.example.com", false],
    ["dns:a.example.com", "a.example.com\0.evil.com", false],
    ["dns:a.example.com", "a.example.com.", false],
    ["dns:a.example.com", "a.example.com:443", false],
    ["dns:a.example.com", "b.com, DNS:a.example.com", false],
    ["dns:*.com", "aXcom", false],
    ["dns:com", "m", false],
  ])("%s and the name %j: %s", (rule, name, expected) => {
    expect(matches(rule, { dns: ["other.org", name] })).toBe(expected);
  });

  test("looks at no other kind of name", () => {
    const name = "a.example.com";
    expect(matches(`dns:${name}`, { uri: [name], email: [name], ip: [name] })).toBe(false);
  });
});

describe("a uri rule", () => {
  test.each([
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/a", true],
    ["uri:SPIFFE://Example.ORG/ns/a", "spiffe://example.org/ns/a", true],
    ["uri:urn:uuid:ABC", "URN:uuid:ABC", true],
    ["uri:https://user@Example.org:8443/?q#f", "https://user@example.ORG:8443/?q#f", true],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/A", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/a/", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/a/b", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/./a", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/%61", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org.evil/ns/a", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/a\0", false],
    ["uri:spiffe://example.org/ns/a", "spiffe://example.org/ns/a\n", false],
    ["uri:urn:uuid:ABC", "urn:uuid:abc", false],
    ["uri:urn:ABC", "urn://abc", false],
    ["uri:https://User@example.org/", "https://user@example.org/", false],
  ])("%s and the name %j: %s", (rule, name, expected) => {
    expect(matches(rule, { uri: [name] })).toBe(expected);
  });
});

describe("an email rule", () => {
  test.each([
    ["email:a@example.com", "a@EXAMPLE.com", true],
    ['email:"a@b"@example.com', '"a@b"@example.com', true],
    ["email:a@example.com", "A@example.com", false],
    ["email:a@example.com", "a@example.com\0", false],
    ["email:a@example.com", "b@a@example.com", false],
    ["email:a@example.com", "@example.com", false],
  ])("%s and the name %j: %s", (rule, name, expected) => {
    expect(matches(rule, { email: [name] })).toBe(expected);
  });
});

describe("an ip rule", () => {
  test.each([
    ["ip:10.0.0.1", [10, 0, 0, 1], true],
    ["ip:2001:DB8:0:0::0001", [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], true],
    ["ip:::ffff:10.0.0.1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], true],
    ["ip:10.0.0.1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], false],
    ["ip:10.0.0.1", [10, 0, 0, 2], false],
    ["ip:::", [0, 0, 0, 0], false],
  ])("%s and the address %j: %s", (rule, bytes, expected) => {
    expect(matches(rule, { ip: [formatIpAddress(Uint8Array.from(bytes)) ?? ""] })).toBe(expected);
  });
});

test.each([
  "",
  "a.example.com",
  "dns:",
  "dns:*",
  "dns:*.",
  "dns:*.*.example.com",
  "dns:a*.example.com",
  "dns:a.*.com",
  "dns:**.example.com",
  "dns:a.example.com.",
  "dns:a.example.com:443",
  "dns:exämple.com",
  "dns: a.example.com",
  "uri:",
  "uri:/path",
  "uri:spiffe://example.org/*",
  "uri:spiffe://example.org/a b",
  "uri:spiffe://example.org/é",
  "email:",
  "email:a",
  "email:@example.com",
  "email:a@",
  "email:*@example.com",
  "ip:",
  "ip:10.0.0.0/8",
  "ip:10.0.0.1-10.0.0.2",
  "ip:10.1",
  "ip:010.0.0.1",
  "ip:0x0a.0.0.1",
  "ip:256.0.0.1",
  "ip:fe80::1%eth0",
  "ip:[::1]",
  "ip:1:2:3",
  "other:x",
])("%j is not a rule", (text) => {
  const result = parseSanRule(text);
  expect(result).toEqual({ ok: false, reason: expect.stringMatching(/^"/) });
});
