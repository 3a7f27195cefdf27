/** HTTP message signatures (RFC 9421): what was not signed as it is does not verify, and nothing makes the verifier throw. */
import fc from "fast-check";
import { parseDictionary, serializeInnerList } from "structured-headers";
import { describe, expect, it } from "vitest";
import { type SignatureRules, verifyMessageSignature } from "../../src/policies/message-signature.ts";
import { byteMutation, mutateText } from "./byte-mutation.ts";
import { runs } from "./runs.ts";
import {
  COVERED,
  componentOf,
  type Message,
  message,
  NOW_SECONDS,
  requestOf,
  SECRET,
  type Signed,
  sign,
  signWritten,
} from "./signed-messages.ts";

const MAX_AGE_SECONDS = 60;
const TOLERANCE_SECONDS = 5;
const SIGNATURES_MAX = 4;
const OTHERS = ["@authority", "@scheme", "@path", "@query", "x-other"];
const bytesOf = (text: string) => new TextEncoder().encode(text);
const RULES: SignatureRules = { secrets: [bytesOf(SECRET)], covered: COVERED, maxAgeSeconds: MAX_AGE_SECONDS };

const fieldsOf = ({ input, signature }: Signed) => ({ "signature-input": input, signature });
const verify = (request: Request, rules = RULES, now = NOW_SECONDS) =>
  verifyMessageSignature(request, rules, new Date(now * 1_000));
const isVerified = async (...parameters: Parameters<typeof verify>) => (await verify(...parameters)).ok;

const components = fc.shuffledSubarray([...COVERED, ...OTHERS]);
const complete = fc.subarray(OTHERS).chain((others) => {
  const names = [...COVERED, ...others];
  return fc.shuffledSubarray(names, { minLength: names.length });
});

describe("a message signature verifies", () => {
  it("for the message that was signed, and for another only where all that was signed is the same", async () => {
    await fc.assert(
      fc.asyncProperty(message, fc.oneof(message, fc.constant({})), complete, async (signed, changes, names) => {
        const sent: Message = { ...signed, ...changes };
        const isSame = names.every((name) => componentOf(signed, name) === componentOf(sent, name));
        const request = requestOf(sent, fieldsOf(sign(signed, { components: names })));
        expect(await isVerified(request)).toBe(isSame);
      }),
      runs(700),
    );
  });

  it("not with one part of the message changed", async () => {
    const part = fc.constantFrom<keyof Message>("method", "host", "path", "query", "client");
    await fc.assert(
      fc.asyncProperty(message, message, part, async (signed, donor, name) => {
        const sent = { ...signed, [name]: donor[name] };
        expect(await isVerified(requestOf(sent, fieldsOf(sign(signed))))).toBe(signed[name] === donor[name]);
      }),
      runs(500),
    );
  });

  it("only where it covers all that has to be covered, each once", async () => {
    await fc.assert(
      fc.asyncProperty(message, components, fc.boolean(), async (parts, names, repeats) => {
        const signed = repeats ? [...names, ...names.slice(0, 1)] : names;
        const isComplete = COVERED.every((name) => names.includes(name)) && new Set(signed).size === signed.length;
        expect(await isVerified(requestOf(parts, fieldsOf(sign(parts, { components: signed }))))).toBe(isComplete);
      }),
      runs(500),
    );
  });

  it("not where a parameter makes another component of one", async () => {
    const parameter = fc.constantFrom(";bs", ";sf", ";req", ";tr", ';key="a"', ';name="a"');
    await fc.assert(
      fc.asyncProperty(message, complete, fc.nat(), parameter, async (parts, names, at, written) => {
        const components = names.map((name, index) => `"${name}"${index === at % names.length ? written : ""}`);
        for (const isWritten of [true, false]) {
          const own = signWritten(parts, names, components, isWritten);
          expect(await isVerified(requestOf(parts, fieldsOf(own)))).toBe(false);
        }
      }),
      runs(200),
    );
  });

  it("only under a secret of the rules", async () => {
    const secret = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom("a", "b", "\0") });
    await fc.assert(
      fc.asyncProperty(message, secret, fc.array(secret, { minLength: 1, maxLength: 3 }), async (parts, own, known) => {
        // HMAC fills keys up with zeros: two that differ in those at the end are the same key.
        const key = (text: string) => text.replace(/\0+$/, "");
        fc.pre([own, ...known].every((text) => key(text) !== ""));
        const rules = { ...RULES, secrets: known.map(bytesOf) };
        const request = requestOf(parts, fieldsOf(sign(parts, { secret: own })));
        expect(await isVerified(request, rules)).toBe(known.some((text) => key(text) === key(own)));
      }),
      runs(300),
    );
  });

  it("within its time, clocks five seconds apart at most", async () => {
    const edges = [-TOLERANCE_SECONDS - 1, -TOLERANCE_SECONDS, 0, 1, MAX_AGE_SECONDS, MAX_AGE_SECONDS + 1];
    const seconds = fc.oneof(
      fc.integer({ min: -2 * MAX_AGE_SECONDS, max: 2 * MAX_AGE_SECONDS }),
      fc.constantFrom(...edges),
    );
    await fc.assert(
      fc.asyncProperty(message, seconds, fc.option(seconds), async (parts, age, lifetime) => {
        const created = `;created=${NOW_SECONDS - age}`;
        const parameters = lifetime === null ? created : `${created};expires=${NOW_SECONDS + lifetime}`;
        const inTime = age >= -TOLERANCE_SECONDS && age <= MAX_AGE_SECONDS && (lifetime === null || lifetime > 0);
        expect(await isVerified(requestOf(parts, fieldsOf(sign(parts, { parameters }))))).toBe(inTime);
      }),
      runs(500),
    );
  });

  it("not with times that are no numbers", async () => {
    const text = fc.constantFrom(`"${NOW_SECONDS}"`, `@${NOW_SECONDS}`, `a${NOW_SECONDS}`, "?1", ":AA==:");
    await fc.assert(
      fc.asyncProperty(message, text, fc.boolean(), async (parts, value, isCreated) => {
        const created = `;created=${isCreated ? value : NOW_SECONDS}`;
        const parameters = isCreated ? created : `${created};expires=${value}`;
        expect(await isVerified(requestOf(parts, fieldsOf(sign(parts, { parameters }))))).toBe(false);
      }),
      runs(100),
    );
  });

  it("among others as one of the first four, whatever the others are", async () => {
    const stranger = fc.constantFrom(":AAAA:", "1", '"text"', "()", ':AAAA:;a="b"');
    await fc.assert(
      fc.asyncProperty(message, fc.array(stranger, { maxLength: 7 }), fc.nat(7), async (parts, others, at) => {
        const position = Math.min(at, others.length);
        const input = (index: number) => `s${index}=("@method" "x-client");created=${NOW_SECONDS}`;
        const own = sign(parts);
        const inputs = others.map((_, index) => input(index)).toSpliced(position, 0, own.input);
        const signatures = others.map((value, index) => `s${index}=${value}`).toSpliced(position, 0, own.signature);
        const headers = { "signature-input": inputs.join(", "), signature: signatures.join(", ") };
        const looked = others.slice(0, position).filter((value) => value.startsWith(":")).length;
        expect(await isVerified(requestOf(parts, headers))).toBe(looked < SIGNATURES_MAX);
      }),
      runs(500),
    );
  });
});

describe("a message signature that was altered", () => {
  it("verifies only where it still says what was signed", async () => {
    const mutations = fc.array(byteMutation, { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(message, mutations, mutations, async (parts, ofInput, ofSignature) => {
        const own = sign(parts);
        const input = asFieldValue(mutateText(own.input, ofInput));
        const signature = asFieldValue(mutateText(own.signature, ofSignature));
        const result = await verify(requestOf(parts, fieldsOf({ input, signature })));
        if (result.ok) expect(saysTheSame({ input, signature }, own)).toBe(true);
        else expect(result.reason).not.toBe("");
      }),
      runs(2_000),
    );
  });

  it("or put together from pieces of the grammar never verifies", async () => {
    const own = sign({ method: "GET", host: "a.example", path: "/", query: "", client: "CN=a", other: "1" });
    const piece = fc.constantFrom(
      "sig=",
      "sig",
      "(",
      ")",
      '("@method" "@target-uri" "x-client")',
      '"x-client"',
      '"X-Client"',
      '"@method";req',
      '"@status"',
      `;created=${NOW_SECONDS}`,
      `;created=${NOW_SECONDS}.5`,
      `;created=@${NOW_SECONDS}`,
      ";created=999999999999999",
      ';alg="hmac-sha256"',
      ";alg=hmac-sha256",
      ";expires=?1",
      own.signature,
      "::",
      ":AA:",
      ", ",
      " ",
      '"',
      "\xe9",
    );
    const field = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(message, field, field, async (parts, input, signature) => {
        // Never what was signed: that has another `created`.
        const result = await verify(requestOf({ ...parts, client: "CN=other" }, fieldsOf({ input, signature })));
        expect(result).toMatchObject({ ok: false, reason: expect.any(String) });
      }),
      runs(2_000),
    );
  });

  it("and is of any length is looked at in proportion to it", async () => {
    const repeated = fc.constantFrom(
      "(",
      '("a")',
      "a=:AAAA:, ",
      "a=(), ",
      ' "@method"',
      ";a",
      ",",
      " ",
      "9",
      "=",
      ":A",
    );
    await fc.assert(
      fc.asyncProperty(message, repeated, repeated, async (parts, ofInput, ofSignature) => {
        const repeat = (text: string) => `sig=${text.repeat(100_000 / text.length)}`;
        const fields = { input: repeat(ofInput), signature: repeat(ofSignature) };
        expect(await isVerified(requestOf(parts, fieldsOf(fields)))).toBe(false);
      }),
      runs(15),
    );
  });
});

const asFieldValue = (text: string) => text.replace(/[\0\r\n]|[^\0-\xff]/g, "");

/** Some label has the components, the parameters and the bytes that were signed. */
function saysTheSame(altered: Signed, own: Signed): boolean {
  const wanted = read(own)[0];
  return read(altered).some((said) => said === wanted);
}

function read({ input, signature }: Signed): string[] {
  const signatures = parseDictionary(signature);
  return [...parseDictionary(input)].map(([label, [items, parameters]]) => {
    const mac = signatures.get(label)?.[0];
    const text = Array.isArray(items) ? serializeInnerList([items, parameters]) : "";
    return `${text} ${mac instanceof ArrayBuffer ? Buffer.from(mac).toString("hex") : ""}`;
  });
}
