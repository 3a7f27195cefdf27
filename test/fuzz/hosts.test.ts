/** Host names, request targets and the egress's targets: one spelling of each, and nothing else passes. */

import fc from "fast-check";
import { Pool } from "undici";
import { describe, expect, it } from "vitest";
import { parseTarget } from "../../edge-shim/egress/target.ts";
import type { HttpRequest } from "../../edge-shim/forwarding/messages.ts";
import { parseRequestTarget } from "../../edge-shim/ingress/request-target.ts";
import { parseHostname } from "../../src/contract/hostname.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const HOST = "api.example.com";

/** Written apart from hostname.ts: RFC 1123's labels and underscores, one dot and one port at the end are left out. */
function normalize(text: string): string | undefined {
  const colon = text.lastIndexOf(":");
  const isPort =
    colon !== -1 && text.length - colon <= 6 && [...text.slice(colon + 1)].every((c) => c >= "0" && c <= "9");
  const name = isPort ? text.slice(0, colon) : text;
  const labels = (name.endsWith(".") ? name.slice(0, -1) : name).split(".");
  const isLetter = (c: string) =>
    (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || (c >= "0" && c <= "9") || c === "_";
  const isLabel = (label: string) =>
    label.length >= 1 &&
    label.length <= 63 &&
    [...label].every((c) => isLetter(c) || c === "-") &&
    !label.startsWith("-") &&
    !label.endsWith("-");
  const joined = labels.join(".");
  if (!labels.every(isLabel) || joined.length > 253) return undefined;
  return joined.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32));
}

const piece = fc.constantFrom(
  "a",
  "B",
  "9",
  "-",
  "_",
  ".",
  "..",
  ":",
  ":443",
  ":99999",
  "@",
  "/",
  "%",
  "[",
  "::1",
  "\0",
  " ",
  "é",
  "\u212a",
  "\u0130",
  "xn--",
  "x".repeat(63),
  "*",
);
const hostText = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
  fc.array(byteMutation, { minLength: 1, maxLength: 3 }).map((mutations) => mutateText(`${HOST}:8443`, mutations)),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.domain(),
);

describe("a host name", () => {
  it("is what an independent reading of the rules says", () => {
    fc.assert(
      fc.property(hostText, (text) => {
        expect(parseHostname(text)).toBe(normalize(text));
      }),
      runs(20_000),
    );
  });

  it("is in its last form once it is normalised", () => {
    fc.assert(
      fc.property(hostText, (text) => {
        const hostname = parseHostname(text);
        if (hostname !== undefined) expect(parseHostname(hostname)).toBe(hostname);
      }),
      runs(5_000),
    );
  });

  it("is no name with a Kelvin sign, whose small letter is a k", () => {
    expect(parseHostname("\u212aube.example.com")).toBeUndefined();
  });

  it("of any length is looked at in proportion to it", () => {
    fc.assert(
      fc.property(piece, piece, (repeated, last) => {
        parseHostname(repeated.repeat(1_000_000 / repeated.length) + last);
      }),
      runs(100),
    );
  });
});

const header = fc.oneof(
  fc.tuple(fc.constantFrom("Host", "host", "HOST", ":authority"), fc.oneof(fc.constant(HOST), hostText)),
  fc.tuple(fc.constantFrom("hosts", "x-host", " host"), hostText),
);
const url = fc.oneof(
  fc.constantFrom("/", "*", "/a?b#c", "//b.test/", "", "https:", `https://${HOST}`, `HTTPS://${HOST}:1/a`),
  fc
    .tuple(fc.constantFrom("http://", "https://", "//", "ftp://"), hostText, fc.constantFrom("", "/", "/a", "?q", "#f"))
    .map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => `/${text}`),
);
const request = fc.record({
  rawHeaders: fc.array(header, { maxLength: 3 }).map((pairs) => pairs.flat()),
  url,
  method: fc.constantFrom("GET", "OPTIONS", "CONNECT"),
  httpVersionMajor: fc.constantFrom(1, 2),
});

describe("a request target", () => {
  it("is accepted only when every host that the request names is the one of the connection", () => {
    fc.assert(
      fc.property(request, (fields) => {
        const target = parseRequestTarget(fields as unknown as HttpRequest, HOST);
        if (!target.ok) return;
        const named = namedHosts(fields);
        expect(named.length).toBeGreaterThan(0);
        for (const host of named) expect(normalize(host)).toBe(HOST);
        expect(target.hostname).toBe(HOST);
        expect(target.host).toMatch(/^api\.example\.com(?::\d{1,5})?$/);
        expect(target.path).toMatch(/^\//);
      }),
      runs(5_000),
    );
  });

  it("that was accepted is accepted again as it is forwarded, and means the same", () => {
    fc.assert(
      fc.property(request, (fields) => {
        const target = parseRequestTarget(fields as unknown as HttpRequest, HOST);
        if (!target.ok) return;
        const forwarded = { rawHeaders: ["host", target.host], url: target.path, method: "GET", httpVersionMajor: 1 };
        expect(parseRequestTarget(forwarded as unknown as HttpRequest, HOST)).toEqual(target);
      }),
      runs(5_000),
    );
  });

  /** Host, :authority, and whatever stands between `//` and the next delimiter of an absolute target */
  function namedHosts({ rawHeaders, url: target }: { rawHeaders: string[]; url: string }): string[] {
    const isHostName = (name: string | undefined) => name?.toLowerCase() === "host" || name === ":authority";
    const fromHeaders = rawHeaders.filter((_, index) => index % 2 === 1 && isHostName(rawHeaders[index - 1]));
    if (target.startsWith("/") || target === "*") return fromHeaders;
    const start = target.indexOf("//") + 2;
    const length = target.slice(start).search(/[/?#]/);
    return [...fromHeaders, length === -1 ? target.slice(start) : target.slice(start, start + length)];
  }
});

const EGRESS_TARGETS = ["https://origin.example:8443/a/b?c=d", "https://10.0.0.1/", "https://[2001:db8::1]:1/?q"];
const targetText = fc.oneof(
  fc
    .tuple(fc.constantFrom(...EGRESS_TARGETS), fc.array(byteMutation, { minLength: 1, maxLength: 3 }))
    .map(([text, mutations]) => mutateText(text, mutations)),
  fc.webUrl({ withQueryParameters: true, withFragments: true, validSchemes: ["https", "http", "ftp"] }),
  fc
    .array(
      fc.constantFrom(
        "https:",
        "//",
        "\\",
        "@",
        ":",
        "a",
        "1",
        "0x7f",
        ".",
        "%",
        "%2e",
        "..",
        "/",
        "?",
        "#",
        "[",
        "::1",
        "]",
        "\t",
      ),
      { maxLength: 10 },
    )
    .map((parts) => parts.join("")),
);

describe("a target of the egress", () => {
  it("is an https origin and a path, means the same when it is read again, and is one that can be connected to", () => {
    fc.assert(
      fc.property(targetText, (text) => {
        const result = parseTarget(text);
        if (!result.ok) return;
        const { origin, path } = result.target;
        expect(origin).toMatch(/^https:\/\/[^/?#@\\\s]+$/);
        expect(path).toMatch(/^\/[\x21-\x7e]*$/);
        expect(path).not.toContain("#");
        expect(parseTarget(origin + path)).toEqual(result);
        expect(new Pool(origin).closed).toBe(false);
      }),
      runs(4_000),
    );
  });
});
