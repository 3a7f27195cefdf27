/** The whole stack for an end-to-end test: edge, worker, control plane, and the PKI of the demo to issue certificates from. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ReadyNote } from "../../cli/stack/running-stack.ts";
import { type CertificateAuthority, loadCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type ClientIdentity, type Clients, createClients } from "./clients.ts";
import { startStackProcess } from "./stack-process.ts";
import { createUploads, type Uploads } from "./uploads.ts";

export interface GatewayOptions {
  /** The folder with `config/` and `modules/`; default the current one. Its variables are in `.dev.vars` or `.env` */
  project?: string;
  /** `dev` (default) runs the worker under `wrangler dev` and sees edits, `serve` as it would be deployed */
  command?: "dev" | "serve";
  /** More flags of that command: `["--environment", "production"]` */
  flags?: readonly string[];
}

export interface Gateway extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string;
  /** `http://127.0.0.1:<port>` */
  readonly controlUrl: string;
  /** Of the account, for the control plane */
  readonly apiKey: string;
  /** What the demo has ready: a client of the CA `demo_ca`, one that comes with an intermediate, one of a CA that nobody uploaded */
  readonly clients: Readonly<Record<"client" | "chain" | "rogue", ClientIdentity>>;
  /** The CA that is uploaded as `demo_ca`, to issue certificates of any kind from */
  readonly clientCa: CertificateAuthority;
  readonly upload: Uploads;
  /** Sends a request with this client certificate, or with none. Answers of any status resolve */
  fetch: Clients["fetch"];
  /** Everything that the stack wrote so far: its log, one JSON object a line, and the ready block */
  output(): string;
}

/**
 * Starts it on free ports, with a state directory that goes away again.
 *
 * @throws Error with what the stack said, when it does not start
 * @example
 * import { startGateway } from "sallyport/testing/node";
 *
 * it("greets a client of ours", async () => {
 *   await using gateway = await startGateway();
 *   const certificate = await gateway.clientCa.issue({ subject: "CN=billing,O=Example,C=US" });
 *   const response = await gateway.fetch("/v1/hello", { certificate });
 *   expect(await response.text()).toBe("Hello, CN=billing,O=Example,C=US");
 * });
 */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { project = ".", command = "dev", flags = [] } = options;
  const stack = await startStackProcess(command, ["--project-dir", resolve(project), ...flags]);
  const { ready } = stack;
  const clients = createClients(ready.edge, readFile(ready, "edgeCa"));
  const apiKey = readFile(ready, "apiKey").trim();
  return {
    url: ready.edge,
    controlUrl: ready.control,
    apiKey,
    clients: {
      client: readIdentity(ready, "client"),
      chain: readIdentity(ready, "chain"),
      rogue: readIdentity(ready, "rogue"),
    },
    clientCa: loadCertificateAuthority(readFile(ready, "clientCa"), readFile(ready, "clientCaKey")),
    upload: createUploads({ controlUrl: ready.control, apiKey, account: ready.account, project: ready.project }),
    fetch: (path, init) => clients.fetch(path, init),
    output: stack.output,
    async [Symbol.asyncDispose]() {
      await clients.close();
      await stack.stop();
    },
  };
}

function readFile({ files }: ReadyNote, name: string): string {
  const path = files[name];
  if (path === undefined) throw new Error(`the stack has no file "${name}"`);
  return readFileSync(path, "utf8");
}

function readIdentity(ready: ReadyNote, name: "client" | "chain" | "rogue"): ClientIdentity {
  return { chainPem: readFile(ready, `${name}Cert`), keyPem: readFile(ready, `${name}Key`) };
}
