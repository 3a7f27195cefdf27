/** `sallyport edge` in front of a `wrangler dev` that somebody started by hand, as the README says how. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findFreePort } from "../../cli/stack/ports.ts";
import { startAlb } from "../../fixtures/alb/alb.ts";
import { type DemoPkiPaths, ensureDemoPki } from "../../fixtures/pki/demo-directory.ts";
import type { TrustBundle } from "../../src/contract/trust-bundle.ts";
import { createCurl } from "./curl.ts";
import { createFolder, startCommand, startSallyport, waitFor } from "./sallyport.ts";

const WRANGLER = "node_modules/.bin/wrangler";

const read = (path: string) => readFileSync(path, "utf8");

/** What a control plane would send, in a file: the demo's CA, and a certificate to present to the demo's origin. */
function createBundle(pki: DemoPkiPaths): TrustBundle {
  const [account, project, version] = ["local", "example", "1"];
  const clientCa = { id: "mtlsca_demo", name: "demo_ca", certificate: read(pki.clientCa) };
  const originCa = { id: "oca_demo", name: "demo_origin_ca", project, certificate: read(pki.originCa) };
  const presented = {
    ...{ id: "cert_demo", version, name: "aws_alb_cert", project, isDisabled: false },
    ...{ environmentTypes: ["development" as const], certificate: read(pki.originClientCert) },
    privateKey: read(pki.originClientKey),
  };
  const domains = [{ hostname: "localhost", project }];
  const outbound = { mtlsCertificates: [presented], originCaCertificates: [originCa] };
  return { format: 1, version, accounts: [{ account, version, caCertificates: [clientCa], domains, ...outbound }] };
}

it("a worker started by hand with the edge's variables gives the same verdicts, and presents certificates", async () => {
  using folder = createFolder();
  const stateDir = join(folder.path, "state");
  const pki = await ensureDemoPki(join(stateDir, "pki"));
  const [certificate, key, trustStore] = [read(pki.originCert), read(pki.originKey), read(pki.originCa)];
  const alb = await startAlb({ mode: "verify", trustStore, certificate, key });
  const bundle = join(folder.path, "bundle.json");
  writeFileSync(bundle, JSON.stringify(createBundle(pki)));
  const albEnv = join(folder.path, "alb.env");
  writeFileSync(albEnv, `ALB_BACKEND_URL=${alb.url}\nALB_MTLS_CERT=aws_alb_cert\n`);
  const edgePort = await findFreePort();
  const workerPort = await findFreePort();
  const edge = startSallyport([
    ...["edge", "--upstream", `http://localhost:${workerPort}`, "--port", String(edgePort), "--state-dir", stateDir],
    ...["--trust-bundle", bundle, "--egress-allow", "127.0.0.0/8", "::1"],
  ]);
  await waitFor(
    () => (edge.output.stdout.includes("--env-file") ? true : undefined),
    () => edge.output.stderr,
  );
  const curl = createCurl(`https://localhost:${edgePort}`, join(stateDir, "pki", "edge-ca.pem"));
  expect((await curl("/v1/example")).status).toBe(503);
  const wrangler = startCommand(WRANGLER, [
    ...["dev", "--port", String(workerPort), "--inspector-port", "0"],
    ...["--env-file", albEnv, "--env-file", join(stateDir, "worker.env")],
  ]);
  try {
    const client = { cert: join(stateDir, "pki", "client.pem"), key: join(stateDir, "pki", "client.key") };
    const answer = await waitFor(
      async () => {
        const attempt = await curl("/v1/example", client);
        return attempt.status === 503 ? undefined : attempt;
      },
      () => wrangler.output.stderr + wrangler.output.stdout,
      60_000,
    );
    expect(answer).toMatchObject({ status: 200, body: "Hello, CN=demo-client,O=Example,C=US" });
    expect((await curl("/v1/example")).json()).toMatchObject({ code: "client_certificate_required" });
    const subject = "CN=example-gateway,O=Example,C=US";
    expect((await curl("/v1/alb/hello")).json()).toMatchObject({ clientCertificate: { subject } });
    const direct = await fetch(`http://localhost:${workerPort}/v1/example`, {
      headers: {
        "mf-cf-blob": JSON.stringify({ tlsClientAuth: { certPresented: "1", certVerified: "SUCCESS" } }),
        "sallyport-edge-assertion": "forged",
      },
    });
    expect(direct.status).toBe(401);
  } finally {
    wrangler.child.kill("SIGTERM");
    edge.child.kill("SIGTERM");
    expect(await edge.exited).toBe(0);
    await wrangler.exited;
    await alb.close();
  }
});
