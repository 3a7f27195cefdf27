/** The requests of the ready block: as curl lines to paste, and sent by ourselves for `--once`. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { relative } from "node:path";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import type { RouteDefinition } from "../../src/contract/project.ts";

export interface ReadyRequest {
  title: string;
  path: string;
  /** The route that serves it, where that is not the path */
  route?: string;
  certificate?: { cert: string; key: string };
  /** Status undefined: any but the gateway's own failures */
  expect: { status: number | undefined; body: RegExp };
}

export interface ReadyAnswer {
  status: number;
  body: string;
}

/** One curl line each; a line with two paths asks for both over one connection. */
export interface ReadyLine {
  title: string;
  requests: ReadyRequest[];
}

const TIMEOUT_MS = 30_000;

/** For a project with the example's routes those; for any other, its first route with each kind of certificate. */
export function createReadyLines(
  pki: DemoPkiPaths,
  routes: readonly RouteDefinition[],
  hasOrigin: boolean,
): ReadyLine[] {
  const lines = exampleLines(pki, hasOrigin);
  const paths = new Set(routes.filter(({ method }) => method === "GET").map(({ path }) => path));
  const hasAll = lines.every(({ requests }) => requests.every(({ path, route = path }) => paths.has(route)));
  return hasAll ? lines : genericLines(pki, [...paths].find((path) => !/[{:*(]/.test(path)) ?? "/");
}

/** Nothing is known of the route, but that it answers. */
function genericLines(pki: DemoPkiPaths, path: string): ReadyLine[] {
  const expect = { status: undefined, body: /^/ };
  return [
    line("without a certificate", { path, expect }),
    line("with one that demo_ca issued", { path, certificate: { cert: pki.clientCert, key: pki.clientKey }, expect }),
    line("with a chain: leaf and intermediate", {
      path,
      certificate: { cert: pki.chainCert, key: pki.chainKey },
      expect,
    }),
    line("with one of another CA", { path, certificate: { cert: pki.rogueCert, key: pki.rogueKey }, expect }),
  ];
}

/** The other direction: the origin answers with the name in the certificate that the gateway presented. */
const OUTBOUND = {
  path: "/v1/alb/hello",
  route: "/v1/alb/*",
  expect: { status: 200, body: /"subject":"CN=example-gateway,/ },
};

function exampleLines(pki: DemoPkiPaths, hasOrigin: boolean): ReadyLine[] {
  const client = { cert: pki.clientCert, key: pki.clientKey };
  const chain = { cert: pki.chainCert, key: pki.chainKey };
  const rogue = { cert: pki.rogueCert, key: pki.rogueKey };
  const rejected = { status: 401, body: /"client_certificate_rejected"/ };
  return [
    line(
      hasOrigin
        ? "without a certificate: 401; and a route on which the gateway presents its own to the origin"
        : "without a certificate: 401",
      { path: "/v1/example", expect: { status: 401, body: /"client_certificate_required"/ } },
      ...(hasOrigin ? [OUTBOUND] : []),
    ),
    line("with one that demo_ca issued", {
      path: "/v1/example",
      certificate: client,
      expect: { status: 200, body: /^Hello, CN=/ },
    }),
    line("with a chain: leaf and intermediate", {
      path: "/v1/chain",
      certificate: chain,
      expect: { status: 200, body: /^Hello, CN=/ },
    }),
    line(
      "with one of another CA: 401, and where the route lets it through, the reason why",
      { path: "/v1/example", certificate: rogue, expect: rejected },
      { path: "/v1/optional", certificate: rogue, expect: { status: 200, body: /"FAILED"/ } },
    ),
  ];
}

function line(title: string, ...requests: Omit<ReadyRequest, "title">[]): ReadyLine {
  return { title, requests: requests.map((request) => ({ title, ...request })) };
}

/** The line to paste. Paths are shown relative to the current folder, where a person will paste it. */
export function formatCurl(edgeUrl: string, edgeCaPath: string, requests: readonly ReadyRequest[]): string {
  const certificate = requests[0]?.certificate;
  return [
    "curl",
    "--cacert",
    quote(shorten(edgeCaPath)),
    ...(certificate ? ["--cert", quote(shorten(certificate.cert)), "--key", quote(shorten(certificate.key))] : []),
    ...requests.map((request) => `${edgeUrl}${request.path}`),
  ].join(" ");
}

/** @throws the system's error when no answer comes */
export function sendReadyRequest(edgeUrl: string, edgeCaPath: string, ready: ReadyRequest): Promise<ReadyAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadyAnswer>();
  const sent = request(`${edgeUrl}${ready.path}`, {
    ca: readFileSync(edgeCaPath),
    agent: false,
    timeout: TIMEOUT_MS,
    ...(ready.certificate
      ? { cert: readFileSync(ready.certificate.cert), key: readFileSync(ready.certificate.key) }
      : {}),
  });
  sent.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
  });
  sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
  sent.on("error", reject);
  sent.end();
  return promise;
}

export function isExpected(ready: ReadyRequest, answer: ReadyAnswer): boolean {
  const { status, body } = ready.expect;
  return (status === undefined ? answer.status < 500 : answer.status === status) && body.test(answer.body);
}

function shorten(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
