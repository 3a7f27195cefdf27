/** The swap of one bundle for the next: what stays the same object, and what an edge trusts in between. */
import { beforeAll, describe, expect, it } from "vitest";
import { createTrustStore } from "../../edge-shim/trust/trust-store.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { askForAssertion } from "./harness/client.ts";
import { HOST, startTestEdge } from "./harness/edge.ts";
import { type Accounts, createBundle } from "./harness/trust.ts";

let root: CertificateAuthority;
let other: CertificateAuthority;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
  other = await createCertificateAuthority({ subject: "CN=other-ca" });
});

const both = (): Accounts => ({
  acme: { domains: ["a.test"], caCertificates: { root } },
  globex: { domains: ["b.test", "c.test"], caCertificates: { other } },
});

/** `bundle` with other documents for some accounts, and the same objects for the rest */
function withChanged(bundle: TrustBundle, changed: Accounts): TrustBundle {
  const { version, accounts } = createBundle(changed);
  return {
    format: 1,
    version,
    accounts: [...bundle.accounts.filter(({ account }) => !(account in changed)), ...accounts],
  };
}

describe("a swap", () => {
  it("leaves domains and CA sets of accounts that did not change the objects that they are", () => {
    const first = createBundle(both());
    const store = createTrustStore(first);
    const before = store.findDomain("b.test");
    store.replace(withChanged(first, { acme: { domains: ["a.test"] } }));
    expect(store.findDomain("b.test")).toBe(before);
    expect(store.findDomain("a.test")?.caSet.caCertificates).toEqual([]);
  });

  it("keeps a CA set whose document is another object with the same content", () => {
    const store = createTrustStore(createBundle(both()));
    const before = store.findDomain("a.test")?.caSet;
    store.replace(createBundle(both()));
    expect(store.findDomain("a.test")?.caSet).toBe(before);
  });

  it("goes by content where somebody forgot to change the version", () => {
    const first = createBundle(both());
    const store = createTrustStore(first);
    const [acme, globex] = structuredClone(first.accounts);
    store.replace({ ...first, accounts: [{ ...acme, caCertificates: [] }, globex] as TrustBundle["accounts"] });
    expect(store.findDomain("a.test")?.caSet.caCertificates).toEqual([]);
  });

  it("keeps the CA certificates that stay in a set that changed, and no other", () => {
    const first = createBundle({ acme: { domains: ["a.test"], caCertificates: { root, other } } });
    const store = createTrustStore(first);
    const [before] = store.findDomain("a.test")?.caSet.caCertificates ?? [];
    store.replace(withChanged(first, { acme: { domains: ["a.test"], caCertificates: { root } } }));
    const { caCertificates, byFingerprint } = store.findDomain("a.test")?.caSet ?? {};
    expect(caCertificates).toEqual([before]);
    expect(caCertificates?.[0]).toBe(before);
    expect([...(byFingerprint?.keys() ?? [])]).toEqual([before?.x509.fingerprint256]);
  });

  it("takes another certificate under the same id and name for what it is", () => {
    const first = createBundle({ acme: { domains: ["a.test"], caCertificates: { ca: root } } });
    const store = createTrustStore(first);
    store.replace(withChanged(first, { acme: { domains: ["a.test"], caCertificates: { ca: other } } }));
    expect(store.findDomain("a.test")?.caSet.caCertificates[0]?.x509.subject).toBe("CN=other-ca");
  });

  it("ends the domains that an account lost, and those of an account that is gone", () => {
    const first = createBundle(both());
    const store = createTrustStore(first);
    const second = withChanged(first, { globex: { domains: ["c.test"] } });
    store.replace(second);
    expect([store.findDomain("b.test"), store.findDomain("c.test")?.caSet.account]).toEqual([undefined, "globex"]);
    store.replace({ ...second, accounts: second.accounts.filter(({ account }) => account !== "globex") });
    expect([store.findDomain("c.test"), store.findDomain("a.test")?.caSet.account]).toEqual([undefined, "acme"]);
  });

  it.each([["acme", "globex"] as const, ["globex", "acme"] as const])(
    "moves a host name from one account to another, whichever comes first in the bundle (%s)",
    (first, second) => {
      const give = (owner: string) =>
        createBundle({
          [first]: { domains: owner === first ? ["moving.test"] : [] },
          [second]: { domains: owner === second ? ["moving.test"] : [] },
        });
      const store = createTrustStore(give(first));
      for (const owner of [second, first]) {
        store.replace(give(owner));
        expect(store.findDomain("moving.test")?.caSet.account).toBe(owner);
      }
    },
  );

  it("with a CA certificate that OpenSSL does not read lets nobody in there, and disturbs no other account", async () => {
    await using edge = await startTestEdge({ accounts: { acme: { domains: [HOST], caCertificates: { root } } } });
    const identity = await root.issue({ subject: "CN=client" });
    const verdict = async (hostname: string) =>
      (await askForAssertion(edge, { identity, hostname })).tlsClientAuth.certVerified;
    const broken = { certificatePem: "nothing" };
    edge.trust.replace({
      acme: { domains: [HOST], caCertificates: { root } },
      globex: { domains: ["b.test"], caCertificates: { root, broken } },
    });
    await expect(verdict("b.test")).rejects.toThrow();
    expect(await verdict(HOST)).toBe("SUCCESS");
  });
});
