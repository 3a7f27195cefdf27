/**
 * The worker whose requests leave: `/egress/x` asks the origin for `/x` through the egress, and so on for each contender,
 * and the origin's answer is its own. With the runtime's `fetch` (src/runtime), as a project's code would call it.
 *
 * Miniflare sends a worker's global `fetch` through a worker of its own, which costs more than nginx does and which
 * bindings are spared. So whatever leaves here leaves by a binding: to the egress by that of `sallyport serve`, elsewhere by a
 * `network` binding, as by workerd without Miniflare.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { EGRESS_BINDING_URL } from "../../src/contract/egress.ts";
import { type DirectWorker, startDirectWorker } from "./direct-worker.ts";
import { runAsChild } from "./run-as-child.ts";
import type { TlsParty } from "./tls-files.ts";

export interface OutboundWorkerInput {
  /** Where it listens; a free one by default */
  port?: number;
  /** `https://host:port` of the origin */
  originUrl: string;
  /** Of its twin without TLS */
  plainUrl: string;
  /** Of nginx in the place of the egress, where there is one */
  nginxUrl: string | undefined;
  egress: {
    /** Of the unix socket that it listens on */
    socketPath: string;
    token: string;
    /** `account/project` */
    project: string;
    /** Name of the certificate to present */
    certificate: string;
  };
  /** What workerd itself presents to the origin */
  workerdTls: TlsParty;
}

/** As a certificate's name it means the binding of that name, which the runtime prefers to the egress. */
const WORKERD_BINDING = "workerd";
const PLAIN_BINDING = "network";
/** As under `sallyport serve` */
const EGRESS_BINDING = "egress";
const ALLOWED_NETWORKS = ["public", "private"];

function describe({ originUrl, plainUrl, nginxUrl, egress }: OutboundWorkerInput): string {
  return `
import { env } from "cloudflare:workers";
import { createCertificateTransport } from "./certificate-transport.ts";
import { setCertificateTransport } from "./fetch.ts";

const plainFetch = (url, init) => env.${PLAIN_BINDING}.fetch(url, init);
const egress = { ...${JSON.stringify({ url: EGRESS_BINDING_URL, token: egress.token, project: egress.project })}, binding: env.${EGRESS_BINDING} };
setCertificateTransport(createCertificateTransport(env, egress, plainFetch));
const contenders = {
  nginx: (path) => plainFetch("${nginxUrl}" + path),
  egress: (path) => fetch("${originUrl}" + path, { sallyport: { mtlsCertificate: "${egress.certificate}" } }),
  workerd: (path) => fetch("${originUrl}" + path, { sallyport: { mtlsCertificate: "${WORKERD_BINDING}" } }),
  plain: (path) => plainFetch("${plainUrl}" + path),
};
export default {
  fetch(request) {
    const [, , , contender, path = ""] = request.url.split("/");
    return contenders[contender]("/" + path);
  },
};`;
}

async function bundle(contents: string): Promise<string> {
  const resolveDir = fileURLToPath(new URL("../../src/runtime", import.meta.url));
  const { outputFiles } = await build({
    stdin: { contents, resolveDir, loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}

runAsChild<OutboundWorkerInput, DirectWorker>(async (input) => {
  const { cert, key, ca } = input.workerdTls;
  return startDirectWorker({
    name: "outbound",
    ...(input.port !== undefined && { port: input.port }),
    script: await bundle(describe(input)),
    env: {
      [EGRESS_BINDING]: { type: "external", address: `unix:${input.egress.socketPath}`, http: {} },
      [PLAIN_BINDING]: { type: "network", allow: ALLOWED_NETWORKS },
      [WORKERD_BINDING]: {
        type: "network",
        allow: ALLOWED_NETWORKS,
        tlsOptions: { keypair: { certificateChain: cert, privateKey: key }, trustedCertificates: [ca] },
      },
    },
  });
});
