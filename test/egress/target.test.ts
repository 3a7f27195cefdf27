/** Properties of what a target may be, and of which headers go on: for whatever a worker sends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInternalHeader, readRequestHeaders } from "../../edge-shim/egress/request-headers.ts";
import { parseTarget } from "../../edge-shim/egress/target.ts";

describe("parseTarget", () => {
  it("takes what a worker makes of any https URL, and means the same by it", () => {
    const property = fc.property(fc.webUrl({ validSchemes: ["https"], withQueryParameters: true }), (text) => {
      const { href, origin, pathname, search } = new URL(text);
      expect(parseTarget(href)).toEqual({ ok: true, target: { origin, path: pathname + search } });
    });
    // fast-check takes its time over a URL.
    fc.assert(property, { numRuns: 40 });
  });

  it("takes no other scheme", () => {
    const property = fc.property(fc.webUrl({ validSchemes: ["http", "ftp", "ws", "wss"] }), (text) => {
      expect(parseTarget(text).ok).toBe(false);
    });
    fc.assert(property);
  });

  it("never throws, and what it lets through is an https origin and a path that fits into a request line", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((text) => `https://${text}`),
      fc.string().map((text) => `https://localhost${text}`),
      fc.string().map((text) => `https://a.test/${text}`),
    );
    const property = fc.property(texts, (text) => {
      const result = parseTarget(text);
      if (!result.ok) return;
      const { origin, path } = result.target;
      expect(new URL(origin).origin).toBe(origin);
      expect(origin).toMatch(/^https:\/\/[^/?#@\s]+$/);
      expect(path).toMatch(/^\/[\x21-\x7e]*$/);
      expect(path).not.toContain("#");
      expect(text).toMatch(/^[\x21-\x7e]+$/);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  it("names no password in what it says", () => {
    const property = fc.property(fc.stringMatching(/^[a-z0-9]{12,20}$/), (password) => {
      const result = parseTarget(`https://user:${password}@localhost/`);
      expect(result).toMatchObject({ ok: false, reason: expect.not.stringContaining(password) });
    });
    fc.assert(property);
  });
});

describe("readRequestHeaders", () => {
  const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/;
  const NEVER =
    /^(connection|expect|host|http2-settings|keep-alive|proxy-(auth.*|connection)|te|trailer|transfer-encoding|upgrade)$/;

  it("keeps all that is not of the connection and not ours, with its value and in its order", () => {
    const names = fc.oneof(
      fc.stringMatching(TOKEN),
      fc.constantFrom("Connection", "TE", "Trailer", "HOST", "Transfer-Encoding", "Upgrade", "Expect", "Keep-Alive"),
      fc.stringMatching(TOKEN).map((rest) => `Sallyport_${rest}`),
      fc.stringMatching(TOKEN).map((rest) => `SALLYPORT-${rest}`),
    );
    const property = fc.property(fc.array(fc.tuple(names, fc.string())), fc.stringMatching(TOKEN), (lines, named) => {
      const { passedOn } = readRequestHeaders([...lines.flat(), named, "1"], `keep-alive, ${named}`);
      const expected = lines.filter(([name]) => {
        const lowerCase = name.toLowerCase();
        const isOurs = /^sallyport[-_]/.test(lowerCase);
        return (
          !isOurs && !NEVER.test(lowerCase) && (lowerCase !== named.toLowerCase() || lowerCase === "content-length")
        );
      });
      expect(passedOn).toEqual(expected.flatMap(([name, value]) => [name.toLowerCase(), value]));
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  it.each(["sallyport-x", "sallyport_x", "sallyport-", "sallyport_egress_failure"])("%s is ours", (name) => {
    expect(isInternalHeader(name)).toBe(true);
  });

  it.each(["sallyport", "x-sallyport-x", "sallyportx"])("%s is not", (name) => {
    expect(isInternalHeader(name)).toBe(false);
  });
});
