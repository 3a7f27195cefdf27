/** `--tls-dir`: server certificates of the edge's owner, taken up again when they change. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { connectTls } from "./harness/client.ts";
import { startTestEdge, type TestEdge } from "./harness/edge.ts";

const ACCOUNTS = { acme: { domains: ["api.test", "a.wild.test", "other.test"] } };

let directory: string;
let authority: CertificateAuthority;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-tls-"));
  authority = await createCertificateAuthority({ subject: "CN=public-ca" });
});
afterEach(() => rmSync(directory, { recursive: true }));

/** As a tool does that rotates: another name first. */
function save(name: string, { chainPem, keyPem }: Pick<IssuedCertificate, "chainPem" | "keyPem">): void {
  for (const [ending, text] of [
    ["key", keyPem],
    ["pem", chainPem],
  ] as const) {
    writeFileSync(join(directory, `${name}.${ending}.new`), text);
    renameSync(join(directory, `${name}.${ending}.new`), join(directory, `${name}.${ending}`));
  }
}

/** The fingerprint of what the edge shows for `hostname`, after verification against the public CA. */
async function show(edge: TestEdge, hostname: string, ca = authority.certificatePem): Promise<string> {
  const socket = await connectTls(edge, { hostname, tls: { ca } });
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

it("shows the owner's certificate for its host name, with its chain, and for a wildcard's, and makes the others", async () => {
  const intermediate = await authority.issueIntermediate({ subject: "CN=public-intermediate" });
  save("api.test", await intermediate.issueServer({ hostnames: ["api.test"] }));
  save("*.wild.test", await authority.issueServer({ hostnames: ["*.wild.test"] }));
  await using edge = await startTestEdge({ accounts: ACCOUNTS, tlsDirectory: directory });
  await show(edge, "api.test");
  await show(edge, "a.wild.test");
  await expect(show(edge, "other.test")).rejects.toThrow();
  await show(edge, "other.test", edge.edgeCaPem);
});

it("takes a new certificate up without a restart, and keeps the last good one when the new pair does not fit", async () => {
  save("api.test", await authority.issueServer({ hostnames: ["api.test"] }));
  await using edge = await startTestEdge({ accounts: ACCOUNTS, tlsDirectory: directory });
  const first = await show(edge, "api.test");
  save("api.test", await authority.issueServer({ hostnames: ["api.test"] }));
  let second = first;
  while (second === first) second = await show(edge, "api.test");
  const { chainPem } = await authority.issueServer({ hostnames: ["api.test"] });
  const { keyPem } = await authority.issueServer({ hostnames: ["api.test"] });
  save("api.test", { chainPem, keyPem });
  const [event] = await edge.waitForLog("server_certificates_unchanged");
  expect(event?.msg).toContain("is not the private key of");
  expect(event?.msg).not.toContain("PRIVATE KEY");
  expect(await show(edge, "api.test")).toBe(second);
});

it.each([
  ["a key of another certificate", "api.test", "api.test", true, "is not the private key of"],
  ["a certificate for another name", "api.test", "else.test", false, "is not a certificate for api.test"],
  ["a file that is named after no host", "not a host", "api.test", false, "is not named after a host"],
])("does not start with %s", async (_, name, hostname, isOtherKey, message) => {
  const issued = await authority.issueServer({ hostnames: [hostname] });
  const { keyPem } = isOtherKey ? await authority.issueServer() : issued;
  save(name, { chainPem: issued.chainPem, keyPem });
  await expect(startTestEdge({ accounts: ACCOUNTS, tlsDirectory: directory })).rejects.toThrow(message);
});

it("does not start with a directory that is not there", async () => {
  const tlsDirectory = join(directory, "missing");
  await expect(startTestEdge({ accounts: ACCOUNTS, tlsDirectory })).rejects.toThrow("cannot be read");
});
