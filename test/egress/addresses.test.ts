/** Where the egress connects to: everywhere but to this machine and its link, in whatever way an address is written. */
import type { LookupAddress } from "node:dns";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAddressRules, LOOPBACK_NETWORKS, RefusedAddressError } from "../../edge-shim/egress/addresses.ts";

const strict = createAddressRules([]);
const isRefused = (host: string, rules = strict) => {
  try {
    rules.check(host);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedAddressError);
    return true;
  }
};

const octet = fc.integer({ min: 0, max: 255 });
const anyIpv4 = fc.tuple(octet, octet, octet, octet);
/** By RFC 6890: this network, loopback, link-local, multicast, broadcast */
const isLocal = ([a, b, c, d]: number[]) =>
  a === 0 ||
  a === 127 ||
  (a === 169 && b === 254) ||
  (a !== undefined && a >= 224 && a < 240) ||
  [a, b, c, d].every((part) => part === 255);

const toNumber = (octets: number[]) => octets.reduce((sum, part) => sum * 256 + part, 0);
const hostOf = (spelling: string) => new URL(`https://${spelling}/`).hostname;

describe("an IPv4 address", () => {
  it("is refused when it is local, however it is written", () => {
    const local = fc.oneof(
      fc.tuple(fc.constantFrom(0, 127, 224, 239), octet, octet, octet),
      fc.tuple(fc.constant(169), fc.constant(254), octet, octet),
      fc.constant([255, 255, 255, 255]),
    );
    const property = fc.property(fc.oneof(local, anyIpv4), (address) => {
      const octets: number[] = [...address];
      const [a = 0, b = 0, c = 0, d = 0] = octets;
      const spellings = [
        octets.join("."),
        String(toNumber(octets)),
        `0x${toNumber(octets).toString(16)}`,
        octets.map((part) => `0${part.toString(8)}`).join("."),
        octets.map((part) => `0x${part.toString(16)}`).join("."),
        `${a}.${toNumber([b, c, d])}`,
        `${a}.${b}.${toNumber([c, d])}`,
        `[::ffff:${octets.join(".")}]`,
        `[::ffff:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}]`,
      ];
      for (const spelling of spellings)
        expect([spelling, isRefused(hostOf(spelling))]).toEqual([spelling, isLocal(octets)]);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

it.each(["::", "::1", "0:0:0:0:0:0:0:1", "fe80::1", "febf::1", "ff02::1", "::ffff:127.0.0.1"])(
  "[%s] is refused",
  (address) => {
    expect([isRefused(`[${address}]`), isRefused(address)]).toEqual([true, true]);
  },
);

it.each([
  "10.0.0.1",
  "10.255.255.255",
  "172.16.0.1",
  "192.168.1.1",
  "100.64.0.1",
  "1.1.1.1",
  "[fd00::1]",
  "[2001:db8::1]",
  "[fec0::1]",
])("%s is not refused by rule: origins live in private networks", (host) => {
  expect(isRefused(host)).toBe(false);
});

it("a host name is looked at when it is looked up", () => {
  expect(isRefused("localhost")).toBe(false);
});

describe("the look-up of a name", () => {
  const lookUp = (name: string, rules = strict, all = true) =>
    new Promise<LookupAddress[] | string>((resolve, reject) => {
      rules.lookup(name, { all }, (error, found) =>
        error ? reject(error) : resolve(found as LookupAddress[] | string),
      );
    });

  it("that leads to this machine is refused, and says so", async () => {
    await expect(lookUp("localhost")).rejects.toThrow(
      /^"localhost" has the loopback or link-local address (127\.0\.0\.1|::1)$/,
    );
    await expect(lookUp("127.0.0.1")).rejects.toThrow(RefusedAddressError);
  });

  it("is answered where that is allowed, with all addresses or the first", async () => {
    const allowing = createAddressRules(LOOPBACK_NETWORKS);
    const found = await lookUp("localhost", allowing);
    expect(found).toContainEqual(expect.objectContaining({ address: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) }));
    expect(await lookUp("localhost", allowing, false)).toMatch(/^(127\.0\.0\.1|::1)$/);
  });

  it("that finds nothing fails as the system's does", async () => {
    await expect(lookUp("nowhere.invalid")).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    });
  });
});

describe("what is allowed", () => {
  it("is allowed, and nothing beside it", () => {
    const rules = createAddressRules(["127.0.0.0/30", "169.254.10.10", "fe80::/64"]);
    const hosts = ["127.0.0.3", "[::ffff:127.0.0.3]", "169.254.10.10", "[fe80::5]"];
    expect(hosts.map((host) => isRefused(host, rules))).toEqual([false, false, false, false]);
    const others = ["127.0.0.4", "[::1]", "169.254.10.11", "[fe80:0:0:1::5]", "0.0.0.0"];
    expect(others.map((host) => isRefused(host, rules))).toEqual([true, true, true, true, true]);
  });

  it.each([
    "",
    "localhost",
    "127.0.0.0/33",
    "::1/129",
    "127.0.0.0/",
    "127.0.0.0/8/8",
    "127.0.0.0/-1",
    "127.1/8",
    "/8",
    "127.0.0.0/8 ",
  ])("has to be a network: %j is none", (network) => {
    expect(() => createAddressRules([network])).toThrow(TypeError);
  });
});
