/**
 * The bundle for plain workerd with what Cloudflare would give it: `request.cf` from a header of the socket, and for each
 * certificate a binding that presents it. No edge and no egress.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildForWorkerd } from "../../../cli/workerd/build-for-workerd.ts";
import type { CapnpStruct } from "../../../cli/workerd/capnp-text.ts";
import { printWorkerdConfig, type WorkerdConfig } from "../../../cli/workerd/workerd-config.ts";
import { REPOSITORY, startCommand, waitFor } from "../../system/sallyport.ts";
import { describeForCloudflare } from "../cloudflare-cf.ts";
import type { Identity } from "../identities.ts";
import type { Scene } from "../scene.ts";
import { type ClientRequest, exchangeHttp, HOSTNAME, type Host } from "./host.ts";

const CF_HEADER = "Test-Cf-Blob";
const PROTOCOL_HEADER = "X-Forwarded-Proto";
const WORKERD = join(REPOSITORY, "node_modules/.bin/workerd");

export async function startCloudflareHost(projectDir: string, scene: Scene): Promise<Host> {
  const outDir = join(scene.folder, "cloudflare");
  const { config } = await buildForWorkerd({ projectDir, outDir });
  const configPath = join(outDir, "cloudflare.capnp");
  writeFileSync(configPath, printWorkerdConfig(addCloudflare(config, scene, outDir)));
  chmodSync(configPath, 0o600);
  // On its standard output it says which port it got.
  const running = startCommand(WORKERD, ["serve", configPath, "--socket-addr=http=127.0.0.1:0", "--control-fd=1"], {
    environment: { SALLYPORT_CLIENT_CERTIFICATE_SOURCE: "cloudflare", SALLYPORT_ENVIRONMENT: "development" },
  });
  const port = await waitFor(
    () => /"socket":"http","port":(\d+)/.exec(running.output.stdout)?.[1],
    () => running.output.stderr,
  );
  const roots = Object.values(scene.uploads)
    .map(({ certificatePem }) => certificatePem)
    .join("");
  const descriptions = new Map<Identity, object>();

  async function describe(identity: Identity): Promise<object> {
    const known = descriptions.get(identity) ?? (await describeForCloudflare(identity, scene.folder, roots));
    descriptions.set(identity, known);
    return known;
  }

  async function ask({ method, path, headers, body, identity, cf: known }: ClientRequest) {
    const cf = { ...known, tlsClientAuth: await describe(identity), httpProtocol: "HTTP/1.1" };
    const own = { [CF_HEADER]: JSON.stringify(cf), [PROTOCOL_HEADER]: "https", host: HOSTNAME };
    return exchangeHttp({ host: "127.0.0.1", port, method, path, headers: { ...headers, ...own } }, body);
  }

  return {
    ask,
    async [Symbol.asyncDispose]() {
      running.child.kill("SIGTERM");
      await running.exited;
    },
  };
}

/** The configuration that was built, with a service and a binding for each certificate that is presented. */
function addCloudflare({ services, sockets }: WorkerdConfig, scene: Scene, outDir: string): WorkerdConfig {
  const certificates = Object.entries(scene.presented);
  const networks = certificates.map(([name, { chainPem, keyPem }]) => {
    writeFileSync(join(outDir, `${name}.pem`), chainPem);
    writeFileSync(join(outDir, `${name}.key`), keyPem, { mode: 0o600 });
    const keypair = { privateKey: { embed: `${name}.key` }, certificateChain: { embed: `${name}.pem` } };
    const tlsOptions = { trustedCertificates: [scene.originCa.certificatePem], keypair };
    return { name: `with-${name}`, network: { allow: ["private"], tlsOptions } };
  });
  const bindings = certificates.map(([name]) => ({ name, service: `with-${name}` }));
  const http = { cfBlobHeader: CF_HEADER, forwardedProtoHeader: PROTOCOL_HEADER };
  return {
    services: [...services.map((service) => addBindings(service, bindings)), ...networks],
    sockets: sockets.map((socket) => ({ ...socket, http })),
  };
}

function addBindings(service: CapnpStruct, added: readonly CapnpStruct[]): CapnpStruct {
  const worker = service.worker as CapnpStruct | undefined;
  if (worker === undefined) return service;
  return { ...service, worker: { ...worker, bindings: [...(worker.bindings as CapnpStruct[]), ...added] } };
}
