/**
 * Certificates of an uploaded CA whose names and sizes are made to confuse whoever reads them: what the handler is told.
 * Names are printed as RFC 4514 escapes them, so that no value can pass for another attribute (Node CVE-2021-44531 to
 * -44533, Envoy CVE-2022-21656, CVE-2025-66220).
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GeneralNameText } from "../../fixtures/pki/general-name.ts";
import { readCertificate } from "../../src/x509/certificate.ts";
import { parseSanRule } from "../../src/x509/subject-alternative-name.ts";
import { ask, type Identity } from "../edge/harness/client.ts";
import { type Stack, startStack } from "./harness/stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** The handlers of `/v1/optional` and `/v1/inspect` in one. */
async function judge(identity: Identity) {
  const [optional, inspect, enforced] = await Promise.all(
    ["/v1/optional", "/v1/inspect", "/v1/example"].map((path) => ask(stack, { identity, path })),
  );
  const { user, clientMtlsVerificationStatus: status } = JSON.parse(optional?.body ?? "");
  const { clientCert } = JSON.parse(inspect?.body ?? "").incomingRequestProperties;
  return { status, mtlsAuth: user?.data.mtlsAuth, sub: user?.sub, clientCert, enforced: enforced?.body };
}

const bytes = (type: string, value: number[]) => [{ type, value: Uint8Array.from(value) }];

describe("has in its subject", () => {
  it.each([
    ["a NUL (Node CVE-2021-44533)", bytes("CN", [0x61, 0, 0x62]), "CN=a\\00b"],
    ["a comma and another attribute", [{ type: "CN", value: "client,O=Example" }], "CN=client\\,O=Example"],
    ["a comma with a space", [{ type: "CN", value: "client, O=Example" }], "CN=client\\, O=Example"],
    ["a plus sign and another attribute", [{ type: "CN", value: "client+O=Example" }], "CN=client\\+O=Example"],
    ["a slash and another attribute", [{ type: "CN", value: "client/O=Example" }], "CN=client/O=Example"],
    ["quotes", [{ type: "CN", value: '"client", "admin"' }], 'CN=\\"client\\"\\, \\"admin\\"'],
    ["a backslash", [{ type: "CN", value: "client\\,O=Example" }], "CN=client\\\\\\,O=Example"],
    ["a line feed and another name", [{ type: "CN", value: "me\nCN=client" }], "CN=me\\0ACN=client"],
    ["a line break and a header", [{ type: "CN", value: "me\r\nadmin: yes" }], "CN=me\\0D\\0Aadmin: yes"],
    ["an emoji", [{ type: "CN", value: "🔑" }], "CN=\\F0\\9F\\94\\91"],
    ["letters that run from right to left", [{ type: "CN", value: "\u202etneilc" }], "CN=\\E2\\80\\AEtneilc"],
    ["a letter that looks like another", [{ type: "CN", value: "сlient" }], "CN=\\D1\\81lient"],
    ["a number sign and a space at its ends", [{ type: "CN", value: "#client " }], "CN=\\#client\\ "],
    ["empty values", "CN=,O=", "CN=,O="],
    ["no attribute", "", ""],
    ["CN three times (Node CVE-2021-44533)", "CN=client,CN=b,CN=admin", "CN=client,CN=b,CN=admin"],
    ["a multi-valued RDN (Node CVE-2021-44533)", "CN=a+OU=b,O=c", "OU=b+CN=a,O=c"],
    ["an attribute that nobody knows", [{ type: "2.999.3", value: "client" }], "2.999.3=#0C06636C69656E74"],
    ["__proto__", [{ type: "CN", value: "__proto__" }], "CN=__proto__"],
    ["every byte below 128", bytes("CN", ASCII()), expect.stringMatching(/^CN=\\00\\01.*~\\7F$/)],
  ])("%s: verified, and told as it is", async (_, subject, printed) => {
    const identity = await stack.acmeCa.issue({ subject });
    const { status, mtlsAuth, sub, enforced } = await judge(identity);
    expect(status).toBe("SUCCESS");
    expect(mtlsAuth).toMatchObject({ subject: printed, issuer: "CN=example-ca,O=Example,C=US", verified: true });
    expect(sub).toEqual(printed);
    expect(enforced).toBe(`Hello, ${mtlsAuth.subject}`);
  });

  it.each([
    ["1,000 attributes", Array.from({ length: 1_000 }, () => ({ type: "OU", value: "x" })), undefined],
    ["30,000 characters", `CN=${"x".repeat(30_000)}`, undefined],
    ["5,000 characters", `CN=${"x".repeat(5_000)}`, { subject: "", verified: true }],
  ])("%s: verified, and no part of the name is told, which matches no rule", async (_, subject, told) => {
    const { status, mtlsAuth } = await judge(await stack.acmeCa.issue({ subject }));
    expect(status).toBe("SUCCESS");
    if (told === undefined) expect(mtlsAuth).toBeUndefined();
    else expect(mtlsAuth).toMatchObject(told);
  });

  function ASCII(): number[] {
    return Array.from({ length: 128 }, (_, index) => index);
  }
});

describe("has as subject alternative name", () => {
  const KINDS = ["dns", "uri", "email"] as const;
  const NAME = "admin.test";

  /** The rules of `allow.sans` that the leaf would meet, as the worker was handed it. */
  async function findMatches(subjectAlternativeNames: GeneralNameText[]): Promise<string[]> {
    const identity = await stack.acmeCa.issue({ subject: "CN=client", subjectAlternativeNames });
    const { status, clientCert, mtlsAuth } = await judge(identity);
    expect([status, mtlsAuth.subject]).toEqual(["SUCCESS", "CN=client"]);
    const leaf = readCertificate(Buffer.from(clientCert.slice(1, -1), "base64"));
    if (!leaf.ok) throw new Error(leaf.reason);
    const { subjectAlternativeNames: names } = leaf.certificate;
    return KINDS.filter((kind) => {
      const rule = parseSanRule(`${kind}:${kind === "email" ? `me@${NAME}` : kind === "uri" ? `x://${NAME}` : NAME}`);
      return rule.ok && rule.rule.matches(names);
    });
  }

  it.each<[string, GeneralNameText]>([
    ["a DNS name with a comma and another (Node CVE-2021-44532)", `dns:a.test, DNS:${NAME}`],
    ["a DNS name with a NUL behind it (Envoy CVE-2025-66220)", `dns:${NAME}\0.evil.test`],
    ["a DNS name with a NUL before it", `dns:evil\0${NAME}`],
    ["a URI with a comma and a DNS name (Node CVE-2021-44531)", `uri:https://a.test/, DNS:${NAME}`],
    ["a DNS name as e-mail address (Envoy CVE-2022-21656)", `email:${NAME}`],
    ["a DNS name as URI (Envoy CVE-2022-21656)", `uri:${NAME}`],
    ["an e-mail address as DNS name", `dns:me@${NAME}`],
    ["a directory name", `dirName:CN=admin\\, DNS:${NAME}`],
  ])("%s: it is that name of that kind, and meets no rule for another", async (_, name) => {
    expect(await findMatches([name])).toEqual([]);
    expect(await findMatches([`dns:${NAME}`]), "the control").toEqual(["dns"]);
  });
});

describe("is large", () => {
  /** Bytes of DER whose encoded field has 10 KiB: two colons, and four characters for each three bytes */
  const LARGEST_FORWARDED = ((10 * 1024 - 4) / 4) * 3;
  const KIB = 1_024;

  it.each([
    ["9.9 KiB encoded", Math.floor((9.9 * KIB * 3) / 4)],
    ["10 KiB encoded", LARGEST_FORWARDED],
  ])("%s: handed on", async (_, sizeBytes) => {
    const identity = await stack.acmeCa.issue({ subject: "CN=client", sizeBytes });
    const { status, mtlsAuth, clientCert, enforced } = await judge(identity);
    expect([status, mtlsAuth.subject, enforced]).toEqual(["SUCCESS", "CN=client", "Hello, CN=client"]);
    expect(clientCert).toBe(`:${identity.der.toString("base64")}:`);
  });

  it.each([
    ["three bytes over 10 KiB encoded", LARGEST_FORWARDED + 3],
    ["10.1 KiB encoded", Math.ceil((10.1 * KIB * 3) / 4)],
    ["10 KiB", 10 * KIB],
    ["64 KiB", 64 * KIB],
  ])("%s: verified and let in, with nothing to read", async (_, sizeBytes) => {
    const identity = await stack.acmeCa.issue({ subject: "CN=client", sizeBytes });
    expect(await judge(identity)).toEqual({
      status: "SUCCESS",
      mtlsAuth: undefined,
      sub: undefined,
      clientCert: "",
      // The policy let it in; that is the handler.
      enforced: "No client certificate",
    });
  });

  it("120 KiB, which OpenSSL does not take: no connection, and the edge goes on", async () => {
    const identity = await stack.acmeCa.issue({ subject: "CN=client", sizeBytes: 120 * KIB });
    await expect(judge(identity)).rejects.toThrow();
    const [event] = await stack.waitForLog("handshake_failed");
    expect(event).toMatchObject({ reason: expect.stringContaining("excessive") });
    expect((await judge(stack.client)).status).toBe("SUCCESS");
  });

  it("a large leaf of a CA that nobody uploaded: 401", async () => {
    const identity = await stack.globexCa.issue({ subject: "CN=client", sizeBytes: 64 * KIB });
    const { status, enforced } = await judge(identity);
    expect([status, JSON.parse(enforced ?? "").status]).toEqual(["FAILED", 401]);
  });
});
