/** nginx as a judge of client certificates: `ssl_verify_client optional`, and what its `$ssl_client_verify` says. */
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type Judgement, normalizeReason } from "../differential/agreement.ts";
import type { CorpusEntry } from "../differential/corpus.ts";
import { type Judge, LENIENT_CLIENT } from "../differential/judges.ts";
import { readText } from "../edge/harness/upstream.ts";
import { startOrigin } from "./origins/origin.ts";

export async function createNginxJudge(corpus: readonly CorpusEntry[]): Promise<Judge> {
  const authority = await createCertificateAuthority({ subject: "CN=nginx" });
  const server = await authority.issueServer();
  const rootsOf = new Map(corpus.filter(hasRoots).map(({ hostname, roots }) => [hostname, roots]));
  const rootFiles = [...rootsOf].map(([hostname, roots]) => [
    `${hostname}.pem`,
    Object.values(roots)
      .map(({ certificatePem }) => certificatePem)
      .join(""),
  ]);
  const origin = await startOrigin((directory, port) => ({
    command: "nginx",
    parameters: ["-p", directory, "-c", `${directory}/nginx.conf`, "-e", "stderr"],
    files: {
      ...(Object.fromEntries(rootFiles) as Record<string, string>),
      "nginx.conf": configure(directory, port, [...rootsOf.keys()]),
      "server.pem": server.chainPem,
      "server.key": server.keyPem,
    },
  }));
  return {
    judge: (entry) => (hasRoots(entry) ? askNginx(origin.port, entry) : Promise.resolve(WITHOUT_ROOTS)),
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  };
}

/** nginx does not start with a host that asks for certificates and has no CA certificates. */
const WITHOUT_ROOTS: Judgement = "FAILED:unable to get local issuer certificate";

function hasRoots({ roots }: CorpusEntry): boolean {
  return Object.keys(roots).length > 0;
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

function configure(directory: string, port: number, hostnames: string[]): string {
  return `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  server_names_hash_max_size 8192;
  ${TEMPORARY.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  ssl_certificate ${directory}/server.pem;
  ssl_certificate_key ${directory}/server.key;
  ssl_session_cache off;
  ssl_session_tickets off;
  ssl_verify_client optional;
  ssl_verify_depth 100;
  ${hostnames.map((hostname) => configureHost(directory, port, hostname)).join("\n  ")}
}
`;
}

/** 495 is nginx's own status for a certificate that did not verify; here it is answered like the others. */
function configureHost(directory: string, port: number, hostname: string): string {
  return `server {
    listen 127.0.0.1:${port} ssl;
    server_name ${hostname};
    ssl_client_certificate ${directory}/${hostname}.pem;
    error_page 495 =200 @verdict;
    location / { return 200 $ssl_client_verify; }
    location @verdict { return 200 $ssl_client_verify; }
  }`;
}

async function askNginx(port: number, { hostname, identity }: CorpusEntry): Promise<Judgement> {
  const { chainPem: cert, keyPem: key } = identity;
  try {
    const request = httpsRequest({
      ...{ host: "127.0.0.1", port, servername: hostname, headers: { host: hostname }, agent: false },
      ...{ cert, key, rejectUnauthorized: false, ...LENIENT_CLIENT },
    });
    request.on("error", () => {});
    request.end();
    const [response] = await once(request, "response");
    const verdict = await readText(response);
    return verdict === "NONE" ? "UNPRESENTED" : normalizeReason(verdict);
  } catch {
    return "UNPRESENTED";
  }
}
