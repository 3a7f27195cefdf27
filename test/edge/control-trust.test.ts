/** Trust from a control plane: what an edge asks for, what it believes, and what it does when answers do not fit. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createControlTrustSource } from "../../edge-shim/trust/control-trust-source.ts";
import type { TrustSource, TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import type { AccountTrust, TrustBundle } from "../../src/contract/trust-bundle.ts";
import { askForAssertion, createKeepAliveAgent } from "./harness/client.ts";
import { createWorkFolder, type WorkFolder } from "./harness/command.ts";
import { documentsOf, indexOf, type ScriptedControlPlane, startControlPlane } from "./harness/control-plane.ts";
import { HOST, startTestEdge } from "./harness/edge.ts";
import { type Accounts, createBundle } from "./harness/trust.ts";
import { until } from "./harness/until.ts";

const INDEX = "/v1/edge/bundle";
const DOCUMENTS = "/v1/edge/bundle/accounts";

let root: CertificateAuthority;
let other: CertificateAuthority;
let identity: IssuedCertificate;
let folder: WorkFolder;
let control: ScriptedControlPlane;
let source: TrustSource;
let received: TrustBundle[];
let errors: TrustSourceError[];

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
  other = await createCertificateAuthority({ subject: "CN=other-ca" });
  identity = await root.issue({ subject: "CN=client" });
});
beforeEach(async () => {
  folder = await createWorkFolder();
  control = await startControlPlane(createBundle(accounts()));
  source = createControlTrustSource({ url: control.url, apiKey: "spk_edge", cachePath: folder.path("kept.json") });
  [received, errors] = [[], []];
});
afterEach(async () => {
  await source.close();
  await control[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function accounts(changed: Accounts = {}): Accounts {
  return {
    acme: { domains: [HOST], caCertificates: { demo_ca: root } },
    globex: { domains: ["b.test"], caCertificates: { other_ca: other } },
    initech: { domains: ["c.test"] },
    ...changed,
  };
}

/** The control plane's next bundle: what is not in `changed` keeps its document, and what is `undefined` goes. */
function change(changed: Record<string, Accounts[string] | undefined>): TrustBundle {
  const given = Object.entries(changed).filter((entry): entry is [string, Accounts[string]] => entry[1] !== undefined);
  const { version, accounts: fresh } = createBundle(Object.fromEntries(given));
  const kept = control.bundle.accounts.filter(({ account }) => !(account in changed));
  control.bundle = { format: 1, version, accounts: [...kept, ...fresh] };
  return control.bundle;
}

/** Loads, listens, and forgets what was asked so far. */
async function follow(): Promise<TrustBundle> {
  const bundle = await source.load();
  source.watch(
    (next) => received.push(next),
    (error) => errors.push(error),
  );
  await until(() => control.listeners() > 0);
  control.asked.length = 0;
  return bundle;
}

const documentOf = (bundle: TrustBundle | undefined, name: string) => documentsOf(bundle as TrustBundle, [name])[0];
const receive = (count = 1) => until(() => (received.length >= count ? received.at(-1) : undefined));

describe("a push that names what changed", () => {
  it("is followed by one request, which brings index and documents", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    await control.push({ version, accounts: ["acme"] });
    expect(await receive()).toEqual(control.bundle);
    expect(control.asked).toEqual([`${INDEX}?account=acme`]);
  });

  it("leaves the documents of the others the objects that they are", async () => {
    const before = await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    await control.push({ version, accounts: ["acme"] });
    const after = await receive();
    expect(documentOf(after, "globex")).toBe(documentOf(before, "globex"));
    expect(documentOf(after, "acme")).not.toBe(documentOf(before, "acme"));
  });

  it("need not be the whole truth: what else the index says has changed is fetched", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] }, globex: { domains: ["d.test"] }, initech: undefined });
    await control.push({ version, accounts: ["acme", "nobody"] });
    expect(await receive()).toEqual(control.bundle);
    expect(control.asked).toEqual([`${INDEX}?account=acme&account=nobody`, `${DOCUMENTS}?account=globex`]);
  });

  it("of a version that is here already asks for nothing", async () => {
    const { version } = await follow();
    await control.push({ version, accounts: ["acme"] });
    const next = change({ acme: { domains: [HOST] } });
    await control.push({ version: next.version, accounts: ["acme"] });
    await receive();
    expect(control.asked).toHaveLength(1);
  });

  it("during a pull is not lost", async () => {
    await follow();
    const first = change({ acme: { domains: [HOST] } });
    const answered = Promise.withResolvers<unknown>();
    const documents = documentsOf(first, ["acme"]);
    control.intercept = (_path, names) => (names.includes("acme") ? answered.promise : undefined);
    await control.push({ version: first.version, accounts: ["acme"] });
    await until(() => control.asked.length === 1);
    const second = change({ globex: { domains: ["b.test"] } });
    await control.push({ version: second.version, accounts: ["globex"] });
    answered.resolve({ ...indexOf(first), documents });
    expect(await receive(2)).toEqual(second);
    expect(received).toEqual([first, second]);
  });

  it("of what a pull brought already changes nothing", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    const held = Promise.withResolvers<undefined>();
    control.intercept = () => held.promise;
    await control.push({ version, accounts: ["acme"] });
    await until(() => control.asked.length === 1);
    const second = change({ globex: { domains: ["b.test"] } });
    await control.push({ version: second.version, accounts: ["globex"] });
    held.resolve(undefined);
    await until(() => control.asked.includes(`${INDEX}?account=globex`));
    const third = change({ initech: undefined });
    await control.push({ version: third.version, accounts: ["initech"] });
    await until(() => received.at(-1)?.version === third.version);
    expect(received).toEqual([second, third]);
  });

  it("takes effect on the next request of an open connection", async () => {
    await using edge = await startTestEdge({ trustSource: source });
    await until(() => control.listeners() > 0);
    const agent = createKeepAliveAgent();
    const verdict = async () => (await askForAssertion(edge, { identity, agent })).tlsClientAuth.certVerified;
    try {
      expect(await verdict()).toBe("SUCCESS");
      const { version } = change({ acme: { domains: [HOST] } });
      await control.push({ version, accounts: ["acme"] });
      await edge.waitForLog("trust_changed");
      expect(await verdict()).toBe("FAILED:CA certificate was removed");
    } finally {
      agent.destroy();
    }
  });
});

describe("a control plane of another version", () => {
  it("that does not name accounts is asked for the index, then for what changed", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    await control.push({ version });
    expect(await receive()).toEqual(control.bundle);
    expect(control.asked).toEqual([INDEX, `${DOCUMENTS}?account=acme`]);
  });

  it("that says more than is known is understood", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    await control.push({ version, accounts: ["acme"], region: "here" });
    expect(await receive()).toEqual(control.bundle);
  });

  it("that sends no documents with the index is asked for them", async () => {
    await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    control.intercept = (path) => (path === INDEX ? indexOf(control.bundle) : undefined);
    await control.push({ version, accounts: ["acme"] });
    expect(await receive()).toEqual(control.bundle);
  });
});

describe("documents that do not fit the index", () => {
  it("are not used when they came with it: the right ones are fetched", async () => {
    const before = await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    const documents = documentsOf(before, ["acme"]);
    control.intercept = (path) => (path === INDEX ? { ...indexOf(control.bundle), documents } : undefined);
    await control.push({ version, accounts: ["acme"] });
    expect(await receive()).toEqual(control.bundle);
    expect(control.asked).toEqual([`${INDEX}?account=acme`, `${DOCUMENTS}?account=acme`]);
  });

  it("are never used when they are the old ones: nothing changes until the new ones come", async () => {
    const before = await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    control.intercept = (path) => (path === DOCUMENTS ? { accounts: documentsOf(before, ["acme"]) } : undefined);
    await control.push({ version });
    const { problems } = await until(() => errors[0]);
    expect(problems).toEqual(['account "acme": its document is older than the index']);
    expect(received).toEqual([]);
    control.intercept = () => undefined;
    expect(await receive()).toEqual(control.bundle);
  });

  it("are not used where nobody asked for them", async () => {
    const before = await follow();
    const { version } = change({ acme: { domains: [HOST] } });
    const forged: AccountTrust = { ...(documentOf(before, "globex") as AccountTrust), caCertificates: [] };
    control.intercept = (path, names) => {
      const documents = [...documentsOf(control.bundle, names), forged];
      return path === DOCUMENTS ? { accounts: documents } : { ...indexOf(control.bundle), documents };
    };
    await control.push({ version, accounts: ["acme"] });
    await receive();
    const next = change({ acme: { domains: ["d.test"] } });
    await control.push({ version: next.version });
    expect(documentOf(await receive(2), "globex")).toBe(documentOf(before, "globex"));
  });
});

describe("a bundle that contradicts itself", () => {
  it.each<[string, () => TrustBundle, string]>([
    [
      "with a host name of an account that did not change",
      () => change({ acme: { domains: [HOST, "b.test"] } }),
      'account "acme": "b.test" belongs to account "globex" already',
    ],
    [
      "with a host name in two accounts that changed",
      () => change({ acme: { domains: [HOST] }, globex: { domains: [HOST] } }),
      `account "globex": "${HOST}" belongs to account "acme" already`,
    ],
    [
      "with an account that is in it twice",
      () => {
        const bundle = change({ acme: { domains: [HOST] } });
        return Object.assign(bundle, { accounts: [...bundle.accounts, bundle.accounts.at(-1)] });
      },
      'account "acme" appears twice',
    ],
  ])("%s is not used", async (_, spoil, problem) => {
    await follow();
    const { version } = spoil();
    await control.push({ version, accounts: ["acme", "globex"] });
    expect((await until(() => errors[0])).problems).toEqual([problem]);
    expect(received).toEqual([]);
  });

  it("is not one where a host name moves from one account to the other", async () => {
    await follow();
    const { version } = change({ acme: { domains: ["b.test"] }, globex: { domains: [HOST] } });
    await control.push({ version, accounts: ["acme"] });
    expect(await receive()).toEqual(control.bundle);
  });
});
