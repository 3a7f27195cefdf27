/** Edge assertions: what was not signed as it is, is not believed, and nothing makes the verifier throw. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { base64url, exportJWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type AssertionSigner,
  createAssertionSigner,
  createSigningJwk,
} from "../../edge-shim/ingress/assertion-signer.ts";
import { createEdgeAssertionVerifier, type EdgeAssertion } from "../../src/contract/edge-assertion.ts";
import { NO_CLIENT_CERTIFICATE } from "../../src/contract/tls-client-auth.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";

const ISSUED_SECONDS = 1_800_000_000;
const NOW = new Date(ISSUED_SECONDS * 1_000);
const TTL_SECONDS = 60;
const TOLERANCE_SECONDS = 5;

const ASSERTION: EdgeAssertion = {
  audience: "a.test",
  account: "acme",
  project: "shop",
  environment: "production",
  client: { address: "192.0.2.1", httpProtocol: "HTTP/1.1" },
  tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" },
  trustAnchors: [],
  tlsClientAuth: { ...NO_CLIENT_CERTIFICATE },
};

let signer: AssertionSigner;
let verify: ReturnType<typeof createEdgeAssertionVerifier>;
let token: string;
let others: string[];
/** The private key of a worker's user code that would like to be the edge */
let strangersKey: KeyObject;

const publicJwk = () => signer.jwks.keys[0] as { kid: string; x: string };

beforeAll(async () => {
  signer = await createAssertionSigner(await createSigningJwk());
  verify = createEdgeAssertionVerifier(signer.jwks);
  token = await signer.sign(ASSERTION, NOW.getTime());
  const anotherEdge = await createAssertionSigner(await createSigningJwk());
  others = [
    await signer.sign({ ...ASSERTION, audience: "b.test" }, NOW.getTime()),
    await signer.sign({ ...ASSERTION, account: "globex" }, NOW.getTime() + 1_000),
    await anotherEdge.sign(ASSERTION, NOW.getTime()),
  ];
  strangersKey = generateKeyPairSync("ed25519").privateKey;
});

const isBelieved = async (text: string, now = NOW) => (await verify(text, now)).ok;
const encodeJson = (value: unknown) => base64url.encode(JSON.stringify(value));

describe("an assertion is not believed", () => {
  it("with any byte of it altered", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(byteMutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
        const mutated = mutateText(token, mutations);
        expect(await isBelieved(mutated)).toBe(mutated === token);
      }),
      runs(3_000),
    );
  });

  it("in another spelling of the same bytes: the four bits that base64url leaves over, padding, white space", async () => {
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const ends = [...digits].filter((digit) => digit !== token.at(-1)).map((digit) => token.slice(0, -1) + digit);
    const spaced = [" ", "\n", "\t"].flatMap((space) => [
      token + space,
      `${token.slice(0, -5)}${space}${token.slice(-5)}`,
    ]);
    for (const text of [...ends, ...spaced, `${token}=`, `${token}==`]) expect(await isBelieved(text)).toBe(false);
    expect(await isBelieved(token)).toBe(true);
  });

  it("put together from parts of several", async () => {
    const parts = [token, ...others].map((text) => text.split("."));
    const part = (index: number) => fc.constantFrom(...parts.map((each) => each[index] as string), "");
    await fc.assert(
      fc.asyncProperty(part(0), part(1), part(2), async (...chosen) => {
        const text = chosen.join(".");
        expect(await isBelieved(text)).toBe([token, ...others.slice(0, 2)].includes(text));
      }),
      runs(300),
    );
  });

  it("with any header that a stranger's key signed, an embedded key and alg none among them", async () => {
    const jwk = await exportJWK(strangersKey);
    const header = fc.record(
      {
        alg: fc.constantFrom("EdDSA", "Ed25519", "none", "None", "HS256", "ES256", "RS256", ""),
        typ: fc.constantFrom("edge-assertion+jwt", "JWT", ""),
        kid: fc.constantFrom(publicJwk().kid, "", "other"),
        jwk: fc.constant({ ...jwk, kid: publicJwk().kid }),
        jku: fc.constant("https://attacker.test/jwks"),
        crit: fc.constantFrom([], ["b64"], ["exp"]),
        b64: fc.boolean(),
        zip: fc.constant("DEF"),
      },
      { requiredKeys: ["alg"] },
    );
    const [, payload] = token.split(".") as [string, string];
    await fc.assert(
      fc.asyncProperty(header, fc.constantFrom("stranger", "hmac", "empty"), async (fields, how) => {
        const signed = `${encodeJson(fields)}.${payload}`;
        expect(await isBelieved(`${signed}.${base64url.encode(forgeSignature(signed, how))}`)).toBe(false);
      }),
      runs(300),
    );
  });

  function forgeSignature(signed: string, how: "stranger" | "hmac" | "empty"): Uint8Array {
    if (how === "empty") return new Uint8Array();
    if (how === "stranger") return sign(null, Buffer.from(signed), strangersKey);
    return Buffer.alloc(64, publicJwk().x);
  }

  it("outside of its minute, clocks five seconds apart at most", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -200_000, max: 200_000 }), async (milliseconds) => {
        const seconds = Math.floor(milliseconds / 1_000);
        const inTime = seconds >= -TOLERANCE_SECONDS && seconds < TTL_SECONDS + TOLERANCE_SECONDS;
        expect(await isBelieved(token, new Date(NOW.getTime() + milliseconds))).toBe(inTime);
      }),
      runs(300),
    );
  });
});

describe("an assertion that the edge's own key signed", () => {
  it("is believed only in the shape of one, whatever else is in it", async () => {
    const jwk = await createSigningJwk();
    const ours = await createAssertionSigner(jwk);
    const check = createEdgeAssertionVerifier(ours.jwks);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(claimName, fc.jsonValue({ maxDepth: 2 })), async (claims) => {
        const odd = { ...ASSERTION, ...claims } as unknown as EdgeAssertion;
        const result = await check(await ours.sign(odd, NOW.getTime()), NOW);
        if (result.ok) expect(result.assertion).toEqual(pickClaims(odd, result.assertion));
      }),
      runs(500),
    );
  });

  const claimName = fc.constantFrom(
    ...Object.keys(ASSERTION),
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "__proto__",
    "toJSON",
  );

  /** What was signed, of the claims that an assertion has: nothing is made up, nothing is converted. */
  function pickClaims(signed: object, read: object): object {
    const given = JSON.parse(JSON.stringify(signed)) as Record<string, unknown>;
    return Object.fromEntries(Object.keys(read).map((name) => [name, strip(given[name], read[name as never])]));
  }

  function strip(given: unknown, read: unknown): unknown {
    if (typeof read !== "object" || read === null || Array.isArray(read)) return given;
    return Object.fromEntries(Object.keys(read).map((name) => [name, (given as Record<string, unknown>)[name]]));
  }
});
