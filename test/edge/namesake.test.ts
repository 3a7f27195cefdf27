/** Two uploaded roots with one name and no key identifiers: a rotation as `openssl req -x509` and `openssl x509 -req` make it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import { askForAssertion, type Identity } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";

const SUBJECT = "CN=example-ca,O=Example,C=US";
const WITHOUT_IDENTIFIERS = { subject: SUBJECT, subjectKeyIdentifier: false } as const;
const ANONYMOUS = { subject: "CN=client", authorityKeyIdentifier: false } as const;
const DAY_MS = 86_400_000;

let before: CertificateAuthority;
let after: CertificateAuthority;
let stranger: CertificateAuthority;
let edge: TestEdge;

beforeAll(async () => {
  before = await createCertificateAuthority(WITHOUT_IDENTIFIERS);
  after = await createCertificateAuthority(WITHOUT_IDENTIFIERS);
  stranger = await createCertificateAuthority(WITHOUT_IDENTIFIERS);
  edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { before, after } } } });
});
afterAll(() => edge[Symbol.asyncDispose]());

async function judge(identity: Identity) {
  const { tlsClientAuth, trustAnchors } = await askForAssertion(edge, { identity });
  return { verdict: tlsClientAuth.certVerified, anchors: trustAnchors.map(({ name }) => name) };
}

describe("a leaf of either root verifies, and names the root that signed it", () => {
  it.each(["ec-p256", "ec-p384", "rsa-2048", "rsa-pss-2048", "ed25519"] as const)("with a key of %s", async (key) => {
    const [old, fresh] = await Promise.all([before.issue({ ...ANONYMOUS, key }), after.issue({ ...ANONYMOUS, key })]);
    expect(await judge(old)).toEqual({ verdict: "SUCCESS", anchors: ["before"] });
    expect(await judge(fresh)).toEqual({ verdict: "SUCCESS", anchors: ["after"] });
  });

  it("behind an intermediate, too", async () => {
    for (const [name, root] of Object.entries({ before, after })) {
      const intermediate = await root.issueIntermediate({ subject: "CN=middle", authorityKeyIdentifier: false });
      expect(await judge(await intermediate.issue({ subject: "CN=client" }))).toEqual({
        verdict: "SUCCESS",
        anchors: [name],
      });
    }
  });
});

describe("what else is wrong with a leaf of either root is not forgiven", () => {
  const WRONG: Record<string, (root: CertificateAuthority) => Promise<Identity>> = {
    "another purpose": (root) => root.issue({ ...ANONYMOUS, extendedKeyUsage: ["serverAuth"] }),
    "an unknown critical extension": (root) =>
      root.issue({ ...ANONYMOUS, extensions: [{ oid: "1.2.3.4", critical: true, value: Buffer.from([5, 0]) }] }),
    "a validity that is over": (root) =>
      root.issue({
        ...ANONYMOUS,
        notBefore: new Date(Date.now() - 2 * DAY_MS),
        notAfter: new Date(Date.now() - DAY_MS),
      }),
    "a signature that fits neither root": async (root) => ({ ...flipSignatureBit(await root.issue(ANONYMOUS)) }),
  };
  it.each(Object.keys(WRONG))("%s", async (title) => {
    for (const root of [before, after]) {
      const identity = await (WRONG[title] as (root: CertificateAuthority) => Promise<Identity>)(root);
      expect((await judge(identity)).verdict).toMatch(/^FAILED:/);
    }
  });

  it("a third root of that name, which nobody uploaded", async () => {
    expect(await judge(await stranger.issue(ANONYMOUS))).toEqual({
      verdict: "FAILED:certificate signature failure",
      anchors: [],
    });
  });
});
