/** Server certificates: made on demand by the edge CA, verified by openssl, kept in a bounded number. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  CACHED_NAMES_MAX,
  createEdgeCa,
  createServerCertificates,
} from "../../edge-shim/ingress/server-certificates.ts";
import { connectTls } from "./harness/client.ts";
import { createWorkFolder, opensslClient, type WorkFolder } from "./harness/command.ts";
import { startTestEdge, type TestEdge } from "./harness/edge.ts";

const LONG_HOST = `${"long-label.".repeat(9)}localhost`;

let edge: TestEdge;
let folder: WorkFolder;
beforeAll(async () => {
  edge = await startTestEdge({ accounts: { acme: { domains: ["localhost", "a.test", "api.localhost"] } } });
  folder = await createWorkFolder();
});
afterAll(async () => {
  await edge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const shown = async (hostname: string) => {
  const socket = await connectTls(edge, { hostname, tls: { rejectUnauthorized: false } });
  const certificate = socket.getPeerX509Certificate() as X509Certificate;
  socket.destroy();
  return certificate;
};

it.each(["localhost", "a.test", "api.localhost", "x.y.localhost", "under_score.localhost", LONG_HOST])(
  "openssl verifies the certificate for %s",
  async (hostname) => {
    const args = ["-servername", hostname, "-verify_hostname", hostname, "-verify_return_error", "-x509_strict"];
    const { exitCode, stdout } = await opensslClient(edge, folder, args, { input: "Q\n" });
    expect(stdout).toContain("Verify return code: 0 (ok)");
    expect(exitCode).toBe(0);
  },
);

it("openssl verifies the address where no name is sent", async () => {
  const args = ["-noservername", "-verify_ip", "127.0.0.1", "-verify_return_error"];
  expect((await opensslClient(edge, folder, args, { input: "Q\n" })).stdout).toContain("Verify return code: 0 (ok)");
});

it("the same name gets the same certificate again, in whatever spelling", async () => {
  const first = await shown("once.localhost");
  expect((await shown("once.localhost")).fingerprint256).toBe(first.fingerprint256);
  expect((await shown("ONCE.localhost.")).fingerprint256).toBe(first.fingerprint256);
});

it("a name that is not ours gets the one for localhost, so that nobody makes the edge sign", async () => {
  const fallback = await shown("");
  expect((await shown("nobody.test")).fingerprint256).toBe(fallback.fingerprint256);
  expect((await shown("localhost.test")).fingerprint256).toBe(fallback.fingerprint256);
  expect(fallback.subjectAltName).toContain("127.0.0.1");
});

describe("the issuer", () => {
  const now = () => new Date(nowMs);
  let nowMs = Date.now();

  it("keeps a bounded number of names, and forgets the one that was asked for longest ago", async () => {
    const certificates = await createServerCertificates(await createEdgeCa(now()), now);
    const first = await certificates.forHostname("first.localhost");
    const second = await certificates.forHostname("second.localhost");
    expect(await certificates.forHostname("first.localhost")).toBe(first);
    const names = Array.from({ length: CACHED_NAMES_MAX - 1 }, (_, index) => `n${index}.localhost`);
    await Promise.all(names.map((name) => certificates.forHostname(name)));
    expect(await certificates.forHostname("first.localhost")).toBe(first);
    expect(await certificates.forHostname("second.localhost")).not.toBe(second);
  });

  it("renews long before the end, and none lives longer than browsers allow", async () => {
    const certificates = await createServerCertificates(await createEdgeCa(now()), now);
    const first = await certificates.forHostname("a.test");
    const { validFromDate, validToDate } = new X509Certificate(first.certificatePem);
    expect(validToDate.getTime() - validFromDate.getTime()).toBeLessThanOrEqual(398 * 86_400_000);
    nowMs += 300 * 86_400_000;
    const second = await certificates.forHostname("a.test");
    expect(new X509Certificate(second.certificatePem).validToDate.getTime()).toBeGreaterThan(validToDate.getTime());
  });

  it("refuses a CA that does not parse", async () => {
    const { certificatePem } = await createEdgeCa(now());
    await expect(createServerCertificates({ certificatePem, keyPem: "nonsense" }, now)).rejects.toThrow();
    await expect(createServerCertificates({ certificatePem: "nonsense", keyPem: "" }, now)).rejects.toThrow();
  });
});
