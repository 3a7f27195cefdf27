/** Trust bundles: an altered document is refused as a whole, or is a bundle in which nothing got lost. */
import { createSecureContext } from "node:tls";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parseTrustBundle } from "../../edge-shim/trust/parse-trust-bundle.ts";
import { TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import { createTrustStore } from "../../edge-shim/trust/trust-store.ts";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { parseHostname } from "../../src/contract/hostname.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { createBundle } from "../edge/harness/trust.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

let bundle: TrustBundle;
let text: string;

beforeAll(async () => {
  const [acme, globex] = await Promise.all(
    ["acme", "globex"].map((name) => createCertificateAuthority({ subject: `CN=${name}` })),
  );
  bundle = createBundle({
    acme: { domains: ["a.test", "www.a.test"], ...(acme && globex && { caCertificates: { acme, globex } }) },
    initech: { domains: ["c.test"] },
  });
  text = JSON.stringify(bundle);
});

function parse(document: string): TrustBundle | undefined {
  try {
    return parseTrustBundle(document, "bundle.json");
  } catch (error) {
    expect(error).toBeInstanceOf(TrustSourceError);
    return undefined;
  }
}

/** What the edge makes of a bundle is what stands in the document: no CA, domain or account less, none elsewhere. */
function expectUsable(document: string, parsed: TrustBundle): void {
  expect(parsed).toEqual(JSON.parse(document));
  expect(parse(JSON.stringify(parsed))).toEqual(parsed);
  const store = createTrustStore(parsed);
  for (const { account, domains, caCertificates } of parsed.accounts) {
    for (const { hostname } of domains) {
      expect(parseHostname(hostname)).toBe(hostname);
      const caSet = store.findDomain(hostname)?.caSet;
      expect(caSet?.account).toBe(account);
      expect(caSet?.caCertificates.map(({ id }) => id)).toEqual(caCertificates.map(({ id }) => id));
    }
    const pems = caCertificates.map(({ certificate }) => certificate);
    // OpenSSL would trust each certificate in a text, and the store knows of one.
    for (const pem of pems) expect(pem.match(/-----BEGIN /g)).toHaveLength(1);
    createSecureContext({ ca: pems });
  }
}

describe("a bundle", () => {
  it("with altered bytes is refused with problems, or means what stands in it", () => {
    fc.assert(
      fc.property(fc.array(byteMutation, { minLength: 1, maxLength: 2 }), (mutations) => {
        const mutated = mutateText(text, mutations);
        const parsed = parse(mutated);
        if (parsed !== undefined) expectUsable(mutated, parsed);
      }),
      runs(1_000),
    );
  });

  it("with a part replaced is refused with problems, or means what stands in it", () => {
    const pems = bundle.accounts.flatMap(({ caCertificates }) => caCertificates.map(({ certificate }) => certificate));
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(...pems, pems.join(""), pems.join("").slice(0, 1_000)),
      fc.constantFrom(
        "",
        "a.test",
        "A.TEST",
        "\u212aube.test",
        "a.test.",
        "x".repeat(300),
        "-----BEGIN CERTIFICATE-----",
      ),
    );
    fc.assert(
      fc.property(fc.nat(), odd, fc.constantFrom("replace", "delete", "repeat", "add"), (where, value, how) => {
        const document = structuredClone(bundle) as unknown as JsonContainer;
        const places = listPlaces(document);
        alter(places[where % places.length] as Place, value, how);
        const mutated = JSON.stringify(document);
        const parsed = parse(mutated);
        if (parsed !== undefined) expectUsable(mutated, parsed);
      }),
      runs(800),
    );
  });

  it("of any text at all is refused as no bundle", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary" })), (document) => {
        expect(parse(document)).toBeUndefined();
      }),
      runs(300),
    );
  });
});

type JsonContainer = Record<string, unknown> | unknown[];
interface Place {
  container: JsonContainer;
  key: string;
}

function listPlaces(container: JsonContainer): Place[] {
  return Object.entries(container).flatMap(([key, value]) => [
    { container, key },
    ...(typeof value === "object" && value !== null ? listPlaces(value as JsonContainer) : []),
  ]);
}

function alter({ container, key }: Place, value: unknown, how: "replace" | "delete" | "repeat" | "add"): void {
  if (Array.isArray(container)) {
    if (how === "delete") container.splice(Number(key), 1);
    else if (how === "repeat") container.push(container[Number(key)]);
    else if (how === "add") container.push(value);
    else container[Number(key)] = value;
  } else if (how === "delete") delete container[key];
  else if (how === "add") Object.defineProperty(container, `${key}2`, { value, enumerable: true });
  else container[key] = value;
}
