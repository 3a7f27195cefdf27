/** The trust bundle in a file: replaced while the edge runs, and never taken in when it is not whole. */
import { rename, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createFileTrustSource } from "../../edge-shim/trust/file-trust-source.ts";
import { TrustSourceError } from "../../edge-shim/trust/trust-source.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { askForAssertion, createKeepAliveAgent } from "./harness/client.ts";
import { createWorkFolder, type WorkFolder } from "./harness/command.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { createBundle } from "./harness/trust.ts";

let root: CertificateAuthority;
let identity: IssuedCertificate;
let folder: WorkFolder;
let path: string;
let edge: TestEdge | undefined;
let agent: ReturnType<typeof createKeepAliveAgent>;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca" });
  identity = await root.issue({ subject: "CN=client" });
});
beforeEach(async () => {
  folder = await createWorkFolder();
  path = folder.path("bundle.json");
  agent = createKeepAliveAgent();
});
afterEach(async () => {
  agent.destroy();
  await edge?.[Symbol.asyncDispose]();
  edge = undefined;
  await folder[Symbol.asyncDispose]();
});

const good = () => createBundle({ acme: { domains: [HOST], caCertificates: { demo_ca: root } } });
const withoutCa = () => createBundle({ acme: { domains: [HOST] } });
const write = (bundle: TrustBundle) => replaceByRename(JSON.stringify(bundle));

async function replaceByRename(text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function start(): Promise<TestEdge> {
  await write(good());
  edge = await startTestEdge({ trustSource: createFileTrustSource(path) });
  return edge;
}

async function verdict(running: TestEdge): Promise<string> {
  return (await askForAssertion(running, { identity, agent })).tlsClientAuth.certVerified;
}

/** The bundle as it would be with one thing wrong. */
function spoil(change: (bundle: TrustBundle & Record<string, unknown>) => void): string {
  const bundle = good();
  change(bundle);
  return JSON.stringify(bundle);
}

describe("replacing the file", () => {
  it.each([
    ["in place", (text: string) => writeFile(path, text)],
    ["by a rename", replaceByRename],
  ])("%s takes effect on the next request of an open connection", async (_, replace) => {
    const running = await start();
    expect(await verdict(running)).toBe("SUCCESS");
    await replace(JSON.stringify(withoutCa()));
    await running.waitForLog("trust_changed");
    expect(await verdict(running)).toBe("FAILED:CA certificate was removed");
    await replace(JSON.stringify(good()));
    await running.waitForLog("trust_changed", 2);
    expect(await verdict(running)).toBe("SUCCESS");
  });

  it("with the same content changes nothing", async () => {
    const running = await start();
    const bundle = withoutCa();
    await write(bundle);
    await running.waitForLog("trust_changed");
    await write(bundle);
    await write(good());
    await running.waitForLog("trust_changed", 2);
    expect(running.logEvents("trust_changed").map(({ epoch }) => epoch)).toEqual([2, 3]);
  });
});

const WRONG: Record<string, [text: () => string, problem: string]> = {
  "that is empty": [() => "", "is not a trust bundle"],
  "that is no JSON": [() => "{ not json", "is not a trust bundle"],
  "that is cut off": [() => JSON.stringify(good()).slice(0, -20), "is not a trust bundle"],
  "that is null": [() => "null", "is not a trust bundle"],
  "of another format": [() => spoil((bundle) => Object.assign(bundle, { format: 2 })), "is not a trust bundle"],
  "with a misspelt name": [() => spoil((bundle) => Object.assign(bundle, { acounts: [] })), "is not a trust bundle"],
  "without the CA certificates of an account": [
    () => spoil(({ accounts }) => void Object.assign(accounts[0] ?? {}, { caCertificates: undefined })),
    "is not a trust bundle",
  ],
  "with a domain twice": [
    () => JSON.stringify(createBundle({ acme: { domains: [HOST] }, globex: { domains: [HOST] } })),
    "",
  ],
  "with a domain in upper case": [() => JSON.stringify(createBundle({ acme: { domains: ["A.TEST"] } })), ""],
  "with an unreadable CA certificate": [
    () =>
      JSON.stringify(
        createBundle({ acme: { domains: [HOST], caCertificates: { broken: { certificatePem: "nonsense" } } } }),
      ),
    "has unreadable CA certificates",
  ],
};

describe.each(Object.entries(WRONG))("a file %s", (_, [text, problem]) => {
  it("does not start an edge", async () => {
    await writeFile(path, text());
    const starting = startTestEdge({ trustSource: createFileTrustSource(path) });
    await expect(starting).rejects.toBeInstanceOf(TrustSourceError);
    await expect(starting).rejects.toThrow(problem);
  });

  it("leaves a running edge with the last good one, and a line in the log", async () => {
    const running = await start();
    expect(await verdict(running)).toBe("SUCCESS");
    await writeFile(path, text());
    const [event] = await running.waitForLog("trust_unchanged");
    expect(event?.msg).toMatch(/the last good trust bundle stays in use$/);
    expect(await verdict(running)).toBe("SUCCESS");
    await write(withoutCa());
    await running.waitForLog("trust_changed");
    expect(await verdict(running)).toBe("FAILED:CA certificate was removed");
  });
});

it("a bundle is refused with every problem in it at once", async () => {
  const broken = { certificatePem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" };
  const bundle = createBundle({
    acme: { caCertificates: { first: broken, fine: root } },
    globex: { caCertificates: { second: broken } },
  });
  await write(bundle);
  const error = await createFileTrustSource(path)
    .load()
    .catch((failure: TrustSourceError) => failure);
  expect((error as TrustSourceError).problems).toEqual([
    expect.stringMatching(/^account "acme", CA certificate "first": /),
    expect.stringMatching(/^account "globex", CA certificate "second": /),
  ]);
});

it("a file that is removed leaves the last good bundle, is missed once, and is found again", async () => {
  const running = await start();
  await rm(path);
  await running.waitForLog("trust_unchanged");
  expect(await verdict(running)).toBe("SUCCESS");
  await write(withoutCa());
  await running.waitForLog("trust_changed");
  expect(await verdict(running)).toBe("FAILED:CA certificate was removed");
});

it("an account without CA certificates verifies nobody", async () => {
  const running = await startTestEdge({ accounts: { acme: { domains: [HOST] } } });
  edge = running;
  expect(await verdict(running)).toBe("FAILED:unable to get local issuer certificate");
});
