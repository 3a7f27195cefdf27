/** `sallyport dev` (the worker under `wrangler dev`) and `sallyport serve`: client, TLS, edge, worker, egress, all real. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createControlApi } from "../../system/control-api.ts";
import { startStack, waitFor } from "../../system/sallyport.ts";
import type { Identity } from "../identities.ts";
import type { Scene } from "../scene.ts";
import { type ClientRequest, exchangeHttps, HOSTNAME, type Host } from "./host.ts";

export interface StackHost extends Host {
  readonly stateDir: string;
}

/** @param projectDir its own, since both write there when they build */
export async function startStackHost(command: "dev" | "serve", projectDir: string, scene: Scene): Promise<StackHost> {
  const folder = join(scene.folder, command);
  const stack = await startStack(command, folder, [
    ...["--project-dir", projectDir, "--no-origin", "--egress-allow", "127.0.0.0/8", "::1/128"],
    ...["--metrics-port", "0"],
  ]);
  const { edge, control, files } = stack.ready;
  const ca = readFileSync(files.edgeCa ?? "", "utf8");
  const ask = ({ method, path, headers, body, identity }: ClientRequest) =>
    exchangeHttps(
      {
        ...{ host: "127.0.0.1", port: new URL(edge).port, servername: HOSTNAME, ca, method, path },
        ...readIdentity(identity),
        headers: { host: HOSTNAME, ...headers },
      },
      body,
    );
  await upload(control, files.apiKey ?? "", scene);
  await waitForTrust(ask, scene);
  return { stateDir: stack.stateDir, ask, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}

function readIdentity({ certificate }: Identity) {
  return certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem };
}

async function upload(url: string, apiKey: string, { uploads, presented, originCa }: Scene): Promise<void> {
  const api = createControlApi(url, apiKey);
  const project = "/v1/accounts/local/projects/example";
  const create = async (path: string, body: object) => {
    const answer = await api("POST", path, body);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  for (const [name, { certificatePem }] of Object.entries(uploads)) {
    await create("/v1/accounts/local/ca-certificates", { name, certificate: certificatePem });
  }
  for (const [name, { chainPem, keyPem }] of Object.entries(presented)) {
    const environmentTypes = [name === "production_only" ? "production" : "development"];
    await create(`${project}/mtls-certificates`, { name, certificate: chainPem, privateKey: keyPem, environmentTypes });
  }
  await create(`${project}/origin-cas`, { name: "fid_origin", certificate: originCa.certificatePem });
}

/** The last upload is the origin's CA: with it, everything before it is there. */
async function waitForTrust(ask: Host["ask"], { identities }: Scene): Promise<void> {
  const probe = {
    name: "ready",
    method: "GET",
    path: "/out/forward/ready",
    headers: {},
    identity: identities.none,
  } as const;
  await waitFor(async () => ((await ask(probe)).status === 200 ? true : undefined));
}
