/** HTTP message signatures with `hmac-sha256` (RFC 9421), as far as a CDN needs them. */
import { describe, expect, it } from "vitest";
import { verifyMessageSignature } from "../../src/policies/message-signature.ts";
import { signMessage } from "./message-signatures.ts";

const NOW = new Date("2026-06-01T12:00:00Z");
const CREATED = NOW.getTime() / 1000;
const SECRET = new TextEncoder().encode("a secret of this test");
const COVERED = ["@method", "@target-uri", "x-client"];
const RULES = { secrets: [SECRET], covered: COVERED, maxAgeSeconds: 60 };
const URL = "https://api.example.com/a/b?c=1";
const HEADERS = { "x-client": "CN=client" };

const request = (headers: HeadersInit, url = URL, method = "GET") => new Request(url, { method, headers });
const signed = (parts: Parameters<typeof signMessage>[2] = {}) =>
  signMessage(request(HEADERS), SECRET, { components: COVERED, created: CREATED, ...parts });
const verify = (headers: HeadersInit, { url = URL, method = "GET", rules = RULES, now = NOW } = {}) =>
  verifyMessageSignature(request(headers, url, method), rules, now);

it("RFC 9421, section B.2.5: the example verifies, and does not when it was altered", async () => {
  const secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
  const rules = {
    secrets: [Uint8Array.from(atob(secret), (character) => character.charCodeAt(0))],
    covered: ["date", "@authority"],
    maxAgeSeconds: 60,
  };
  const headers = {
    date: "Tue, 20 Apr 2021 02:07:55 GMT",
    "content-type": "application/json",
    "signature-input": 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    signature: "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
  };
  const parts = { url: "http://example.com/foo?param=Value&Pet=dog", rules, now: new Date(1618884473 * 1000) };
  expect(await verify(headers, parts)).toEqual({ ok: true });
  expect(await verify({ ...headers, "content-type": "text/plain" }, parts)).toMatchObject({ ok: false });
});

describe("a signature of the request verifies", () => {
  it.each<[string, Parameters<typeof signMessage>[2]]>([
    ["in any order", { components: [...COVERED].reverse() }],
    ["of more than is asked for", { components: [...COVERED, "@authority", "@scheme", "@path", "@query"] }],
    ["that names its algorithm and an end", { parameters: `;alg="hmac-sha256";expires=${CREATED + 1}` }],
    ["as old as allowed", { created: CREATED - 60 }],
    ["of a clock that is a little ahead", { created: CREATED + 5 }],
  ])("%s", async (_, parts) => {
    expect(await verify({ ...HEADERS, ...(await signed(parts)) })).toEqual({ ok: true });
  });

  it("beside one that the client made", async () => {
    const { signature, "signature-input": input } = await signed({ label: "cdn" });
    const headers = {
      signature: `own=:AAAA:, ${signature}`,
      "signature-input": `own=("x-client");created=1, ${input}`,
    };
    expect(await verify({ ...HEADERS, ...headers })).toEqual({ ok: true });
  });

  it("with either of two secrets", async () => {
    const rules = { ...RULES, secrets: [new TextEncoder().encode("another"), SECRET] };
    expect(await verify({ ...HEADERS, ...(await signed()) }, { rules })).toEqual({ ok: true });
  });
});

describe("no signature of the request is", () => {
  const fails = (reason: string) => ({ ok: false, reason: expect.stringContaining(reason) });

  it.each<[string, object, Parameters<typeof verify>[1], string]>([
    ["one of another identity", { "x-client": "CN=victim" }, {}, "is not of this request"],
    ["one of another path", HEADERS, { url: "https://api.example.com/a/x?c=1" }, "is not of this request"],
    ["one of another query", HEADERS, { url: "https://api.example.com/a/b?c=2" }, "is not of this request"],
    ["one of another host", HEADERS, { url: "https://b.example.com/a/b?c=1" }, "is not of this request"],
    ["one of another method", HEADERS, { method: "DELETE" }, "is not of this request"],
    ["one without the field", {}, {}, "covers what is not there"],
  ])("%s", async (_, headers, parts, reason) => {
    expect(await verify({ ...headers, ...(await signed()) }, parts)).toMatchObject(fails(reason));
  });

  it.each<[string, Parameters<typeof signMessage>[2], string]>([
    ["one that leaves out the identity", { components: ["@method", "@target-uri"] }, 'does not cover "x-client"'],
    ["one that leaves out the URL", { components: ["@method", "x-client"] }, 'does not cover "@target-uri"'],
    ["one that leaves out the method", { components: ["@target-uri", "x-client"] }, 'does not cover "@method"'],
    ["one of unknown components", { components: [...COVERED, "@status"] }, "covers what is not there"],
    ["one that repeats a component", { components: [...COVERED, "x-client"] }, "covers what is not there"],
    ["one that is old", { created: CREATED - 61 }, "is older than 60 s"],
    ["one of half a second", { created: CREATED - 0.5 }, "does not say when"],
    ["one of the future", { created: CREATED + 6 }, "in the future"],
    ["one of no time", { created: undefined }, "does not say when"],
    ["one that has ended", { parameters: `;expires=${CREATED}` }, "has expired"],
    ["one of another algorithm", { parameters: ';alg="ed25519"' }, "is not of the algorithm"],
  ])("%s", async (_, parts, reason) => {
    expect(await verify({ ...HEADERS, ...(await signed(parts)) })).toMatchObject(fails(reason));
  });

  it("one with another secret", async () => {
    const own = await signMessage(request(HEADERS), new TextEncoder().encode("guessed"), {
      components: COVERED,
      created: CREATED,
    });
    expect(await verify({ ...HEADERS, ...own })).toMatchObject(fails("another secret"));
  });

  it.each<[string, object]>([
    ["nothing", {}],
    ["an empty one", { "signature-input": "", signature: "" }],
    ["one without its input", { signature: "sig=:AAAA:" }],
    ["one that is text", { "signature-input": 'sig=("x-client");created=1', signature: 'sig="AAAA"' }],
    ["what does not parse", { "signature-input": "sig=(", signature: "sig=:AAAA:" }],
  ])("%s", async (_, headers) => {
    expect(await verify({ ...HEADERS, ...headers })).toMatchObject(fails("there is no signature"));
  });

  it("one whose field is covered with a parameter that changes what is covered", async () => {
    const { signature, "signature-input": input } = await signed();
    const headers = { signature, "signature-input": input.replace('"x-client"', '"x-client";bs') };
    expect(await verify({ ...HEADERS, ...headers })).toMatchObject(fails('does not cover "x-client"'));
  });
});
