/** PEM (RFC 7468), as tolerant as openssl is and not more. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  containsPrivateKey,
  encodePem,
  isEncryptedPrivateKey,
  isPrivateKey,
  PEM_MAX_CHARACTERS,
  parsePem,
} from "../../src/x509/pem.ts";
import { fakeCertificate } from "./der-writer.ts";

const der = fakeCertificate();
const pem = encodePem("CERTIFICATE", der);
const blocks = (input: string | Uint8Array) => {
  const result = parsePem(input);
  if (!result.ok) throw new Error(result.reason);
  return result.blocks;
};

describe("parsePem reads", () => {
  test.each([
    ["one block", pem, 1],
    ["several blocks", pem + pem, 2],
    ["text between blocks, as openssl writes it", `subject=CN=a\n${pem}\n\nissuer=: -----x\n${pem}the end`, 2],
    ["CRLF", pem.replaceAll("\n", "\r\n"), 1],
    ["CR", pem.replaceAll("\n", "\r"), 1],
    ["a byte-order mark", `\uFEFF${pem}`, 1],
    ["no line end at the end", pem.trimEnd(), 1],
    ["spaces behind lines", pem.replaceAll("\n", "  \n"), 1],
    ["an end without a beginning before", `-----END CERTIFICATE-----\n${pem}`, 1],
    ["one long line", pem.replace(/(?<=[A-Za-z0-9+/=])\n(?=[A-Za-z0-9+/=])/g, ""), 1],
  ])("%s", (_, text, count) => {
    for (const input of [text, new TextEncoder().encode(text)]) {
      expect(blocks(input)).toEqual(Array(count).fill({ label: "CERTIFICATE", der, headers: new Map() }));
    }
  });

  test("whatever encodePem wrote", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(blocks(encodePem("X", bytes))[0]?.der).toEqual(bytes);
      }),
    );
  });

  test("the headers of an old encrypted key", () => {
    const text = `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00FF\n\nAAAA\n-----END RSA PRIVATE KEY-----\n`;
    const [block] = blocks(text);
    expect(block?.headers.get("dek-info")).toBe("AES-256-CBC,00FF");
    expect(block && isEncryptedPrivateKey(block)).toBe(true);
  });

  test.each([
    ["PRIVATE KEY", true, false],
    ["RSA PRIVATE KEY", true, false],
    ["EC PRIVATE KEY", true, false],
    ["OPENSSH PRIVATE KEY", true, false],
    ["ENCRYPTED PRIVATE KEY", true, true],
    ["PUBLIC KEY", false, false],
    ["CERTIFICATE", false, false],
  ])("%s, private: %s, encrypted: %s", (label, isPrivate, isEncrypted) => {
    const text = encodePem(label, der);
    const found = blocks(pem + text).at(-1);
    expect(found && isPrivateKey(found)).toBe(isPrivate);
    expect(found && isEncryptedPrivateKey(found)).toBe(isEncrypted);
    expect(containsPrivateKey(pem + text)).toBe(isPrivate);
  });
});

describe("parsePem refuses", () => {
  const begin = "-----BEGIN CERTIFICATE-----\n";
  test.each([
    ["DER", der, "der"],
    ["DER in a string", String.fromCharCode(...der), "der"],
    ["nothing", "", "no_block"],
    ["text", "hello", "no_block"],
    ["an indented block", ` ${pem.replaceAll("\n", "\n ")}`, "no_block"],
    ["four dashes", pem.replaceAll("-----", "----"), "no_block"],
    ["a missing end", pem.slice(0, pem.indexOf("-----END")), "truncated"],
    ["a block in a block", begin + pem, "truncated"],
    ["another label at the end", pem.replace("END CERTIFICATE", "END X509 CRL"), "label_mismatch"],
    ["an empty block", `${begin}-----END CERTIFICATE-----`, "bad_base64"],
    ["a character that is not base64", pem.replace(/\nM/, "\n*"), "bad_base64"],
    ["missing padding", `${begin}AAA\n-----END CERTIFICATE-----`, "bad_base64"],
    ["padding in the middle", `${begin}AA==\nAAAA\n-----END CERTIFICATE-----`, "bad_base64"],
    ["padding alone", `${begin}====\n-----END CERTIFICATE-----`, "bad_base64"],
    ["more than a mebibyte", "a".repeat(PEM_MAX_CHARACTERS + 1), "too_large"],
  ])("%s", (_, input, code) => {
    expect(parsePem(input)).toEqual({ ok: false, code, reason: expect.any(String) });
  });

  test("with the line of the mistake", () => {
    expect(parsePem(`x\n${begin}AAA!\n-----END CERTIFICATE-----`)).toMatchObject({
      reason: '"CERTIFICATE": the block that begins in line 2 does not hold base64',
    });
  });

  test("a cut-off private key, which is still seen to be one", () => {
    const cut = encodePem("EC PRIVATE KEY", der).slice(0, 60);
    expect(parsePem(cut)).toMatchObject({ ok: false });
    expect(containsPrivateKey(cut)).toBe(true);
    expect(containsPrivateKey(new TextEncoder().encode(cut))).toBe(true);
  });

  test("without ever throwing", () => {
    const piece = fc.constantFrom(
      "-----BEGIN A-----",
      "-----END A-----",
      "-----BEGIN ",
      "-----",
      "\n",
      "\r\n",
      "AAAA",
      "=",
      ":",
      " ",
      "\u0000",
      "é",
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof parsePem(bytes).ok === "boolean"));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => typeof parsePem(pieces.join("")).ok === "boolean"),
      { numRuns: 1000 },
    );
  });
});
