/** The bundle of the example project as `wrangler deploy` would upload it: what is in it, and what is not. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EGRESS_CALL_HEADER, parseEgressCall } from "../../src/contract/egress.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
/** Bundling takes seconds on a busy machine, and starts a second Node */
const BUNDLE_TIMEOUT_MS = 120_000;
const BUILTIN_IMPORT = /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["']node:/;

let directory: string;
let code: string;
let sources: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sallyport-bundle-"));
  const wrangler = join(REPOSITORY, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" };
  const args = [wrangler, "deploy", "--dry-run", "--outdir", directory];
  await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY, env });
  code = await readFile(join(directory, "worker.js"), "utf8");
  const map: { sources: string[] } = JSON.parse(await readFile(join(directory, "worker.js.map"), "utf8"));
  sources = map.sources;
}, BUNDLE_TIMEOUT_MS);

afterAll(() => rm(directory, { recursive: true, force: true }));

test("the bundle holds the worker, the modules of the project and the runtime that they import", () => {
  for (const part of ["src/worker.ts", "modules/hello.ts", ".build/worker.ts"]) {
    expect(sources.filter((source) => source.endsWith(part))).toHaveLength(1);
  }
});

test("the bundle imports nothing of Node but what it can do without (src/runtime/current-request.ts)", () => {
  expect(code).not.toMatch(BUILTIN_IMPORT);
  expect([...code.matchAll(/["']node:[^"']*["']/g)].map(([name]) => name)).toEqual(['"node:async_hooks"']);
});

test("OpenTelemetry is in it as a function that nobody has called, for whom its variables ask (src/tracing/tracing.ts)", () => {
  expect(code).toMatch(/"src\/tracing\/opentelemetry\.ts"\(\) \{/);
  expect(sources.filter((source) => source.includes("@opentelemetry/")).length).toBeGreaterThan(0);
  expect(sources.filter((source) => source.includes("protobuf"))).toEqual([]);
});

/** What the example's route `/v1/alb-function` sends to the egress, in a workerd of that date and these flags. */
async function sendToEgress(compatibilityDate: string, compatibilityFlags: string[]) {
  const egress = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await once(egress.listen(0, "127.0.0.1"), "listening");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          name: "gateway",
          modules: [{ type: "ESModule", path: "worker.js", contents: code }],
          compatibilityDate,
          compatibilityFlags,
          bindings: {
            SALLYPORT_EGRESS_URL: `http://127.0.0.1:${(egress.address() as AddressInfo).port}`,
            SALLYPORT_EGRESS_TOKEN: "a-token-of-this-test",
            SALLYPORT_EGRESS_PROJECT: "local/example",
            ALB_BACKEND_URL: "https://alb.example",
            ALB_MTLS_CERT: "aws_alb_cert",
          },
        },
      ],
    }),
  );
  try {
    const response = await miniflare.dispatchFetch("http://localhost/v1/alb-function");
    const id = response.headers.get("sallyport-request-id");
    const received = (await response.json()) as Record<string, string>;
    const call = parseEgressCall(received[EGRESS_CALL_HEADER] ?? "");
    return { status: response.status, isOwnId: call?.requestId === id, call };
  } finally {
    await miniflare.dispose();
    egress.close();
  }
}

test.each([
  ["the example's date", "2026-10-01", []],
  ["an older one and nodejs_als", "2026-08-03", ["nodejs_als"]],
])(
  "a worker with %s tells the egress which request it serves",
  async (_, date, flags) => {
    expect(await sendToEgress(date, flags)).toMatchObject({ status: 200, isOwnId: true });
  },
  BUNDLE_TIMEOUT_MS,
);

test(
  "a worker of an older date without nodejs_als serves, and tells the egress no id",
  async () => {
    const { status, call } = await sendToEgress("2026-08-03", []);
    expect(status).toBe(200);
    expect(call).toMatchObject({ certificate: "aws_alb_cert", requestId: undefined });
  },
  BUNDLE_TIMEOUT_MS,
);

test("the only import that is left is the runtime's own", () => {
  const imports = [...code.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
  expect([...new Set(imports)]).toEqual(["cloudflare:workers"]);
});

test.each(["edge-shim/", "cli/", "fixtures/", "src/control/", "test/"])("the bundle holds nothing of %s", (folder) => {
  const own = sources.filter((source) => !source.includes("node_modules/"));
  expect(own.filter((source) => source.replace(/^(?:\.\.\/)+/, "").includes(folder))).toEqual([]);
});

/** developers.cloudflare.com/workers/platform/limits, "Worker size": the smallest plan's, after compression */
const WORKER_MAX_BYTES = 3_000_000;

test("the bundle fits the smallest plan of Cloudflare, with room for a project's own code", () => {
  expect(gzipSync(code).length).toBeLessThan(WORKER_MAX_BYTES / 3);
});

test("no unresolved name of the runtime is left for somebody else to answer", () => {
  expect(code).not.toMatch(/["']@(?:zuplo|sallyport)\/runtime["']\s*;/);
});
