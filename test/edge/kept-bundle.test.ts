/** The copy on disk: what an edge starts from while its control plane is away. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createControlTrustSource } from "../../edge-shim/trust/control-trust-source.ts";
import { createKeptBundle } from "../../edge-shim/trust/kept-bundle.ts";
import type { TrustSource } from "../../edge-shim/trust/trust-source.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type TrustBundle, trustBundleSchema } from "../../src/contract/trust-bundle.ts";
import { createWorkFolder, type WorkFolder } from "./harness/command.ts";
import { type ScriptedControlPlane, startControlPlane } from "./harness/control-plane.ts";
import { HOST } from "./harness/edge.ts";
import { createBundle } from "./harness/trust.ts";
import { until } from "./harness/until.ts";

let root: CertificateAuthority;
let folder: WorkFolder;
let path: string;
let errors: Error[];

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
});
beforeEach(async () => {
  folder = await createWorkFolder();
  path = folder.path("kept.json");
  errors = [];
});
afterEach(() => folder[Symbol.asyncDispose]());

const files = () => readdirSync(folder.path("."));
const onDisk = () => trustBundleSchema.parse(JSON.parse(readFileSync(path, "utf8")));
const keep = () => createKeptBundle(path, (error) => errors.push(error));

function bundleOf(count: number): TrustBundle {
  const names = Array.from({ length: count }, (_, index) => `account-${index}`);
  return createBundle(
    Object.fromEntries(names.map((name) => [name, { domains: [`${name}.test`], caCertificates: { [name]: root } }])),
  );
}

/** As the control plane hands it over: with a client certificate for origins and its private key. */
function withPrivateKey(bundle: TrustBundle): TrustBundle {
  const mtlsCertificate = {
    ...{ id: "cert_1", version: "1", name: "origin", project: "shop", environmentTypes: [], isDisabled: false },
    ...{ certificate: root.certificatePem, privateKey: "the private key" },
  };
  return {
    ...bundle,
    accounts: bundle.accounts.map((account) => ({ ...account, mtlsCertificates: [mtlsCertificate] })),
  };
}

describe("a bundle that is kept", () => {
  it.each([0, 1, 2, 120])("is what is read at the next start, with %i accounts", async (count) => {
    const bundle = bundleOf(count);
    const kept = keep();
    kept.write(bundle);
    await kept.settle();
    expect(onDisk()).toEqual(bundle);
    expect(keep().read()).toEqual(bundle);
  });

  it("is one file that only its owner reads", async () => {
    const kept = keep();
    kept.write(bundleOf(1));
    await kept.settle();
    expect(files()).toEqual(["kept.json"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("has no private keys in it", async () => {
    const kept = keep();
    kept.write(withPrivateKey(bundleOf(2)));
    await kept.settle();
    expect(readFileSync(path, "utf8")).not.toContain("the private key");
    expect(onDisk().accounts[1]?.mtlsCertificates?.[0]).toMatchObject({ id: "cert_1", name: "origin" });
  });

  it("is written after whoever gave it has gone on", async () => {
    const kept = keep();
    kept.write(bundleOf(1));
    expect(files()).toEqual([]);
    await kept.settle();
    expect(files()).toEqual(["kept.json"]);
  });

  it("is written by itself, once nothing more is heard for a while", async () => {
    const bundles = [bundleOf(1), bundleOf(2)];
    const kept = keep();
    for (const bundle of bundles) kept.write(bundle);
    await until(() => existsSync(path));
    expect(onDisk()).toEqual(bundles[1]);
  });

  it("is the last of many, each whole", async () => {
    const kept = keep();
    // From here on without delay
    await kept.settle();
    const bundles = Array.from({ length: 20 }, (_, index) => bundleOf(index % 7));
    for (const bundle of bundles) {
      kept.write(bundle);
      await new Promise((resolve) => setImmediate(resolve));
      if (existsSync(path)) onDisk();
    }
    await kept.settle();
    expect(onDisk()).toEqual(bundles.at(-1));
    expect(files()).toEqual(["kept.json"]);
  });

  it("follows a change of one account", async () => {
    const before = bundleOf(3);
    const after = { ...before, version: "next", accounts: before.accounts.slice(1) };
    const kept = keep();
    for (const bundle of [before, after]) {
      kept.write(bundle);
      await kept.settle();
      expect(onDisk()).toEqual(bundle);
    }
  });

  it("that cannot be written is told of, and the next one is tried", async () => {
    const kept = createKeptBundle(folder.path("none/kept.json"), (error) => errors.push(error));
    for (const count of [1, 2]) {
      kept.write(bundleOf(count));
      await kept.settle();
      expect(errors).toHaveLength(count);
    }
    expect(files()).toEqual([]);
  });
});

describe("an edge that follows a control plane", () => {
  let control: ScriptedControlPlane;
  let source: TrustSource;
  const received: TrustBundle[] = [];

  beforeEach(async () => {
    received.length = 0;
    control = await startControlPlane(withPrivateKey(createBundle({ acme: { domains: [HOST] } })));
    source = openSource();
  });
  afterEach(async () => {
    await source.close();
    await control[Symbol.asyncDispose]();
  });

  const openSource = () => createControlTrustSource({ url: control.url, apiKey: "spk_edge", cachePath: path });
  const watch = () =>
    source.watch(
      (bundle) => received.push(bundle),
      (error) => errors.push(error),
    );

  it("has what it last took from it on disk when it has closed", async () => {
    await source.load();
    watch();
    await until(() => control.listeners() > 0);
    control.bundle = createBundle({ acme: { domains: ["next.test"] } });
    await control.push({ version: control.bundle.version, accounts: ["acme"] });
    await until(() => received.length > 0);
    await source.close();
    expect(onDisk()).toEqual(control.bundle);
  });

  it("uses a bundle that it cannot write down, and says so", async () => {
    source = createControlTrustSource({
      url: control.url,
      apiKey: "spk_edge",
      cachePath: folder.path("none/kept.json"),
    });
    expect(await source.load()).toEqual(control.bundle);
    watch();
    expect((await until(() => errors[0])).message).toMatch(/kept\.json" cannot be written/);
  });

  it("that starts from disk has the private keys as soon as the control plane is back, though nothing changed", async () => {
    await source.load();
    watch();
    await source.close();
    source = openSource();
    control.intercept = () => ({});
    const [account] = (await source.load()).accounts;
    expect(account?.mtlsCertificates?.[0]).not.toHaveProperty("privateKey");
    control.intercept = () => undefined;
    watch();
    await control.push({ version: control.bundle.version });
    expect(await until(() => received[0])).toEqual(control.bundle);
  });
});
