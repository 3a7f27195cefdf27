/** A control plane in a process of its own, in which an attacker's account and its victim's have one of everything. */
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { startControlPlane } from "../../../bench/suites/trust/control-plane.ts";
import { createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import { createWorkFolder } from "../../edge/harness/command.ts";
import { type ControlApi, createControlApi } from "../../system/control-api.ts";

export const PROJECT = "shop";
/** A second project of each account, and the environment that only `shop` is deployed to */
export const EMPTY_PROJECT = "blog";
const ENVIRONMENT = "staging";

export interface Tenant {
  readonly name: string;
  /** `/v1/accounts/<name>` */
  readonly path: string;
  readonly key: string;
  readonly api: ControlApi;
  /** What stands for it in paths, by the noun or parameter before it: `ca-certificates` → id */
  readonly ids: Readonly<Record<string, string>>;
}

export interface AttackedControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly stateDirectory: string;
  readonly attacker: Tenant;
  readonly victim: Tenant;
  /** Status and body; without a key unless there is one among the headers */
  ask(method: string, path: string, headers?: Record<string, string | string[]>): Promise<ControlPlaneAnswer>;
  /** What came back until the control plane closed the connection */
  sendRaw(bytes: string): Promise<string>;
}

export interface ControlPlaneAnswer {
  status: number;
  text: string;
  headers: NodeJS.Dict<string | string[]>;
}

export async function startAttackedControlPlane(): Promise<AttackedControlPlane> {
  const folder = await createWorkFolder();
  const stateDirectory = folder.path("state");
  const control = await startControlPlane(stateDirectory);
  const { hostname, port } = new URL(control.url);
  return {
    url: control.url,
    stateDirectory,
    attacker: await createTenant(control, "attacker"),
    victim: await createTenant(control, "victim"),
    ask: (method, path, headers = {}) => ask({ hostname, port, method, path, headers }),
    sendRaw(bytes) {
      const socket = connect(Number(port), hostname);
      socket.write(bytes, "latin1");
      return text(socket);
    },
    async [Symbol.asyncDispose]() {
      await control.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** The path goes out as it is, unlike with `fetch`. */
function ask(options: object): Promise<ControlPlaneAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ControlPlaneAnswer>();
  request({ ...options, agent: false }, (response) => {
    const { statusCode: status = 0, headers } = response;
    text(response).then((body) => resolve({ status, text: body, headers }), reject);
  })
    .once("error", reject)
    .end();
  return promise;
}

async function createTenant(control: { url: string; adminKey: string }, name: string): Promise<Tenant> {
  const path = `/v1/accounts/${name}`;
  const admin = createControlApi(control.url, control.adminKey);
  await create(admin, "/v1/accounts", { name });
  const { key = "" } = await create(admin, `${path}/api-keys`, { name: "laptop" });
  const api = createControlApi(control.url, key);
  for (const project of [PROJECT, EMPTY_PROJECT]) await create(api, `${path}/projects`, { name: project });
  const ca = await createCertificateAuthority({ subject: `CN=${name}` });
  const client = await ca.issue({ subject: `CN=client of ${name}` });
  const certificate = ca.certificatePem;
  const types = { environmentTypes: ["development"] };
  const identity = { certificate: client.certificatePem, privateKey: client.keyPem };
  const hostname = `api.${name}.example.com`;
  const project = `${path}/projects/${PROJECT}`;
  const deployment = await api("PUT", `${project}/deployments/${ENVIRONMENT}`, {
    environmentType: "preview",
    buildId: "1",
  });
  if (deployment.status >= 300) throw new Error(`no deployment: ${JSON.stringify(deployment)}`);
  await create(api, `${path}/custom-domains`, { hostname, project: PROJECT });
  const ids = {
    "api-keys": (await create(api, `${path}/api-keys`, { name: "second" })).id ?? "",
    "ca-certificates": (await create(api, `${path}/ca-certificates`, { name: "ca", certificate })).id ?? "",
    "origin-cas": (await create(api, `${project}/origin-cas`, { name: "ca", certificate })).id ?? "",
    "mtls-certificates":
      (await create(api, `${project}/mtls-certificates`, { name: "client", ...identity, ...types })).id ?? "",
    "custom-domains": hostname,
    deployments: ENVIRONMENT,
  };
  return { name, path, key, api, ids };
}

async function create(api: ControlApi, path: string, body: object): Promise<{ id?: string; key?: string }> {
  const answer = await api<{ id?: string; key?: string }>("POST", path, body);
  if (answer.status >= 300) throw new Error(`"${path}" was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
