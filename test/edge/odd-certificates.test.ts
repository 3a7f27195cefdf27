/**
 * Certificates in bulk, and such as cannot be read: a verdict with a reason, never a crash or a 500. What odd names and
 * sizes look like to a handler is in test/security/certificate-contents.test.ts.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { askForAssertion, createKeepAliveAgent, type Identity } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { presentBytes, TLS_ALERT } from "./harness/raw-handshake.ts";

let root: CertificateAuthority;
let edge: TestEdge;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { demo_ca: root } } } });
});
afterAll(() => edge[Symbol.asyncDispose]());

const judge = async (identity: Identity) => (await askForAssertion(edge, { identity })).tlsClientAuth;

describe("many certificates", () => {
  /** A leaf with `count` certificates behind it that have nothing to do with it. */
  async function withStrangers(count: number, authority = root): Promise<Identity> {
    const client = await authority.issue({ subject: "CN=client" });
    const key = root.keys;
    const strangers = await Promise.all(
      Array.from({ length: count }, (_, index) => createCertificateAuthority({ subject: `CN=stranger-${index}`, key })),
    );
    return { ...client, chainPem: client.chainPem + strangers.map(({ certificatePem }) => certificatePem).join("") };
  }

  it("30 beside a leaf that verifies change nothing", async () => {
    expect(await judge(await withStrangers(30))).toMatchObject({
      certVerified: "SUCCESS",
      certChainRFC9440: expect.stringMatching(/^:[^,]+:(, :[^,]+:){29}$/),
      certChainRFC9440TooLarge: false,
    });
  });

  it("more than 32 are not looked through, and not forwarded", async () => {
    expect((await judge(await withStrangers(32))).certVerified).toBe("SUCCESS");
    expect((await judge(await withStrangers(33))).certVerified).toBe("FAILED:certificate chain too long");
    expect(await judge(await withStrangers(60))).toMatchObject({
      certVerified: "FAILED:certificate chain too long",
      certChainRFC9440: "",
      certChainRFC9440TooLarge: true,
    });
  });

  it("30 intermediates in one path verify", async () => {
    let authority = root;
    for (let depth = 0; depth < 30; depth++)
      authority = await authority.issueIntermediate({ subject: `CN=ca-${depth}` });
    expect((await judge(await authority.issue({ subject: "CN=client" }))).certVerified).toBe("SUCCESS");
  });

  it("the same certificate 32 times is one step of the path", async () => {
    const intermediate = await root.issueIntermediate({ subject: "CN=intermediate" });
    const client = await intermediate.issue({ subject: "CN=client" });
    const identity = { ...client, chainPem: client.certificatePem + intermediate.chainPem.repeat(32) };
    expect((await judge(identity)).certVerified).toBe("SUCCESS");
  });
});

describe("a certificate that cannot be read", () => {
  it("by us alone fails on every request of the connection, and says so", async () => {
    const extension = { oid: "2.999.1", value: Buffer.from("0500", "hex") };
    const identity = await root.issue({ subject: "CN=client", extensions: [extension, extension] });
    const agent = createKeepAliveAgent();
    for (let request = 0; request < 2; request++) {
      const { tlsClientAuth, trustAnchors } = await askForAssertion(edge, { identity, agent });
      expect(tlsClientAuth).toMatchObject({
        certPresented: "1",
        certVerified: "FAILED:client certificate could not be read",
      });
      expect(trustAnchors).toEqual([]);
    }
    agent.destroy();
  });

  it.each([
    ["cut off", async () => (await root.issue({ subject: "CN=client" })).der.subarray(0, 200)],
    ["of random bytes", async () => randomBytes(500)],
    ["of no bytes", async () => Buffer.alloc(0)],
    ["whose name is no UTF-8", async () => (await root.issue({ subject: broken("utf8", [0xff, 0xfe]) })).der],
    [
      "whose name is half a surrogate pair",
      async () => (await root.issue({ subject: broken("bmp", [0xd8, 0x3d]) })).der,
    ],
  ])("by OpenSSL, %s, ends the handshake with an alert and a line in the log", async (_, makeDer) => {
    const before = edge.logEvents("handshake_failed").length;
    const answer = await presentBytes(edge, await makeDer());
    expect(answer.at(-7)).toBe(TLS_ALERT);
    const event = (await edge.waitForLog("handshake_failed", before + 1)).at(-1);
    expect(event).toMatchObject({ host: HOST, client: "127.0.0.1", reason: expect.stringContaining("error:") });
  });

  const broken = (stringType: "utf8" | "bmp", value: number[]) => [
    { type: "CN", value: Uint8Array.from(value), stringType },
  ];
});
