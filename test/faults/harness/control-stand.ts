/** A stand whose edge follows a real control plane, embedded as in `sallyport control`, through a proxy that can fail. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readChildPids } from "../../../bench/processes/child-pids.ts";
import { type ControlPlane, startControlPlane } from "../../../bench/suites/trust/control-plane.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import { type ControlApi, createControlApi } from "../../system/control-api.ts";
import type { VerdictAnswer } from "../processes/answers.ts";
import { createHttp1Client } from "../processes/http-client.ts";
import { type ControlProxy, startControlProxy } from "./control-proxy.ts";
import { ACCOUNT, createStand, HOSTNAME, issue, PROJECT, type Stand } from "./stand.ts";

export const OTHER_ACCOUNT = "globex";
export const OTHER_HOSTNAME = `${PROJECT}.${OTHER_ACCOUNT}.localhost`;

export interface ControlStand extends Stand {
  readonly control: ControlPlane;
  readonly api: ControlApi;
  readonly controlProxy: ControlProxy;
  /** A CA certificate of `account`, and a client of it that was seen to be verified */
  createWitness(account?: string): Promise<Witness>;
  /** Kills the control plane's process; its supervisor starts it again. */
  killControl(): void;
}

export interface Witness {
  /** `SUCCESS`, `FAILED:<reason>`, a status other than 200, or `no answer`, on a new connection */
  ask(): Promise<string>;
  /** Has the control plane delete the CA certificate, which it must answer with 204. */
  remove(): Promise<void>;
}

export interface ControlStandOptions {
  /** Where the control plane's database is; default: a directory of the stand's own */
  stateDirectory?: string;
  /** Where the edge keeps its copy of the bundle; default: a directory of the stand's own */
  cacheDirectory?: string;
}

export async function createControlStand(options: ControlStandOptions = {}): Promise<ControlStand> {
  let control: ControlPlane | undefined;
  let proxy: ControlProxy | undefined;
  async function close(stand?: Stand): Promise<void> {
    await stand?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await control?.stop();
  }
  try {
    const stand = await createStand({
      async trust({ ca, scratch }) {
        control = await startControlPlane(options.stateDirectory ?? scratch.create("control"));
        const api = createControlApi(control.url, control.adminKey);
        const apiKey = await provision(api, ca);
        proxy = await startControlProxy(control.url);
        return {
          control: { url: proxy.url, apiKey, cachePath: cachePathIn(options.cacheDirectory ?? scratch.create("edge")) },
        };
      },
    });
    if (control === undefined || proxy === undefined) throw new Error("no control plane");
    const api = createControlApi(control.url, control.adminKey);
    return {
      ...stand,
      ...{ control, api, controlProxy: proxy },
      createWitness: (account = ACCOUNT) => createWitness(stand, api, account),
      killControl: () => process.kill(findControlProcess(), "SIGKILL"),
      [Symbol.asyncDispose]: () => close(stand),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where the edge keeps its copy of the bundle. */
export function cachePathIn(directory: string): string {
  return join(directory, "control-bundle.json");
}

/** @returns an edge key */
async function provision(api: ControlApi, ca: CertificateAuthority): Promise<string> {
  for (const account of [ACCOUNT, OTHER_ACCOUNT]) {
    await expectStatus(201, api("POST", "/v1/accounts", { name: account }));
    await expectStatus(201, api("POST", `/v1/accounts/${account}/projects`, { name: PROJECT }));
  }
  const certificate = { name: "faults_ca", certificate: ca.certificatePem };
  await expectStatus(201, api("POST", `/v1/accounts/${ACCOUNT}/ca-certificates`, certificate));
  const { key } = await expectStatus(
    201,
    api<{ key: string }>("POST", "/v1/api-keys", { name: "edge", scope: "edge" }),
  );
  return key;
}

let witnesses = 0;

async function createWitness({ edge }: Stand, api: ControlApi, account: string): Promise<Witness> {
  const name = `witness_${++witnesses}`;
  const ca = await createCertificateAuthority({ subject: `CN=${name}` });
  const path = `/v1/accounts/${account}/ca-certificates`;
  const body = { name, certificate: ca.certificatePem };
  const { id } = await expectStatus(201, api<{ id: string }>("POST", path, body));
  const { subject: _, ...identity } = await issue(ca, "CN=witness");
  const hostname = account === ACCOUNT ? HOSTNAME : OTHER_HOSTNAME;
  const { port, caPem } = edge.output;
  const tls = { host: "127.0.0.1", port, servername: hostname, ca: caPem, ...identity };
  return {
    ask: () =>
      createHttp1Client(tls, { isKept: false })
        .get("/", { host: hostname })
        .then(
          ({ status, body }) => (status === 200 ? (JSON.parse(body) as VerdictAnswer).verdict : String(status)),
          () => "no answer",
        ),
    remove: () => expectStatus(204, api("DELETE", `${path}/${id}`)),
  };
}

async function expectStatus<Body>(wanted: number, answer: Promise<{ status: number; body: Body }>): Promise<Body> {
  const { status, body } = await answer;
  if (status !== wanted) throw new Error(`the control plane answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

function findControlProcess(): number {
  const isControl = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("control-process");
  const found = readChildPids(process.pid).find(isControl);
  if (found === undefined) throw new Error("the control plane's process is not there");
  return found;
}
