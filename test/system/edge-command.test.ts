/** `sallyport edge` in front of a `wrangler dev` that somebody started by hand, as the README says how. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { findFreePort } from "../../cli/stack/ports.ts";
import { createCurl } from "./curl.ts";
import { createFolder, startCommand, startSallyport, waitFor } from "./sallyport.ts";

const WRANGLER = "node_modules/.bin/wrangler";

it("a worker started by hand with the edge's public keys gives the same verdicts", async () => {
  using folder = createFolder();
  const stateDir = join(folder.path, "state");
  const edgePort = await findFreePort();
  const workerPort = await findFreePort();
  const edge = startSallyport([
    ...["edge", "--upstream", `http://localhost:${workerPort}`, "--port", String(edgePort), "--state-dir", stateDir],
  ]);
  await waitFor(
    () => (edge.output.stdout.includes("--env-file") ? true : undefined),
    () => edge.output.stderr,
  );
  const curl = createCurl(`https://localhost:${edgePort}`, join(stateDir, "pki", "edge-ca.pem"));
  expect((await curl("/v1/example")).status).toBe(503);
  const wrangler = startCommand(WRANGLER, [
    ...["dev", "--port", String(workerPort), "--inspector-port", "0", "--env-file", join(stateDir, "worker.env")],
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
  }
});
