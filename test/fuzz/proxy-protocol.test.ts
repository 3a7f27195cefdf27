/** PROXY headers: an address or nothing, however the bytes come, and TLS's bytes are left to TLS. */
import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProxyHeader, V2_MAX_BYTES } from "../../edge-shim/ingress/proxy-protocol.ts";
import { version1, version2, version2Header } from "../edge/harness/proxy-headers.ts";
import { byteMutation, mutateBytes } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const wholeIpv6 = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map((groups) => {
  return groups.map((group) => group.toString(16)).join(":");
});
const extensions = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const tls = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
/** A header, and the address that is in it */
const genuine = fc.oneof(
  fc.oneof(fc.ipV4(), fc.ipV6()).map((source) => ({ source, header: version1(source) })),
  fc
    .tuple(fc.oneof(fc.ipV4(), wholeIpv6), extensions)
    .map(([source, more]) => ({ source, header: version2(source, more) })),
);
const local = fc
  .tuple(fc.constantFrom(0x20, 0x21), extensions)
  .map(([command, more]) => version2Header({ command, family: 0, extensions: more }));

/** RFC 5952 by way of URLs, which have a writer of their own */
function normalize(address: string): string {
  if (!address.includes(":")) return address;
  const written = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(written);
  if (mapped === null) return written;
  const [high, low] = mapped.slice(1).map((group) => Number.parseInt(group, 16)) as [number, number];
  return `::ffff:${[high >> 8, high & 255, low >> 8, low & 255].join(".")}`;
}

describe("a header", () => {
  it("is read as who wrote it meant, and ends where it ends", () => {
    fc.assert(
      fc.property(genuine, tls, ({ source, header }, rest) => {
        const parsed = parseProxyHeader(Buffer.concat([header, rest]));
        expect(parsed).toMatchObject({ state: "complete", length: header.length });
        expect(parsed.state === "complete" && normalize(parsed.source ?? "")).toBe(normalize(source));
      }),
      runs(5_000),
    );
  });

  it("of the load balancer itself names nobody", () => {
    fc.assert(
      fc.property(local, tls, (header, rest) => {
        const expected = { state: "complete", length: header.length, source: undefined };
        expect(parseProxyHeader(Buffer.concat([header, rest]))).toEqual(expected);
      }),
      runs(2_000),
    );
  });

  it("is incomplete until its last byte", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          genuine.map(({ header }) => header),
          local,
        ),
        fc.nat(),
        (header, cut) => {
          expect(parseProxyHeader(header.subarray(0, cut % header.length))).toEqual({ state: "incomplete" });
        },
      ),
      runs(5_000),
    );
  });
});

const noise = fc.oneof(
  fc
    .tuple(
      genuine.map(({ header }) => header),
      fc.array(byteMutation, { minLength: 1, maxLength: 4 }),
      tls,
    )
    .map(([header, mutations, rest]) => Buffer.concat([mutateBytes(header, mutations), rest])),
  fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(
      fc.constantFrom(
        "PROXY ",
        "TCP4 ",
        "TCP6 ",
        "UNKNOWN",
        " ",
        "1.2.3.4 ",
        "::1 ",
        "::ffff:1.2.3.4 ",
        "1",
        "65535",
        "\r\n",
        "\n",
        "\0",
      ),
      { maxLength: 12 },
    )
    .map((parts) => Buffer.from(parts.join(""))),
);

describe("whatever comes", () => {
  it("names an address as one writes it, or nobody, and is bounded", () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        const parsed = parseProxyHeader(bytes);
        if (parsed.state === "incomplete") expect(bytes.length).toBeLessThan(V2_MAX_BYTES);
        if (parsed.state !== "complete") return;
        expect(parsed.length).toBeLessThanOrEqual(Math.min(bytes.length, V2_MAX_BYTES));
        if (parsed.source === undefined) return;
        expect(isIP(parsed.source)).not.toBe(0);
        expect(parseProxyHeader(version1(parsed.source))).toMatchObject({ source: parsed.source });
      }),
      runs(20_000),
    );
  });

  it("has one meaning, however it is cut: what was decided stays, and only incomplete bytes are undecided", () => {
    fc.assert(
      fc.property(noise, (bytes) => {
        const whole = parseProxyHeader(bytes);
        for (let length = 0; length < bytes.length; length++) {
          const part = parseProxyHeader(bytes.subarray(0, length));
          if (part.state === "incomplete") continue;
          expect(part).toEqual(whole);
          return;
        }
      }),
      runs(4_000),
    );
  });
});
