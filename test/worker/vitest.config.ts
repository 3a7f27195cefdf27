import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { Response } from "miniflare";
import { defineConfig } from "vitest/config";
import { EGRESS_CALL_HEADER, parseEgressCall } from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { MAX_WORKERS } from "../node-project.ts";

const runtime = fileURLToPath(new URL("../../src/runtime/index.ts", import.meta.url));

/** What was posted to each collector, by its host */
const posted = new Map<string, unknown[]>();

/** A collector of spans at any host of `.collector.example`; `/posted` says what came. One named `failing` takes nothing. */
async function answerAsCollector(request: Request, host: string): Promise<Response> {
  const bodies = posted.get(host) ?? [];
  if (request.method !== "POST") return Response.json(bodies);
  posted.set(host, [...bodies, { headers: Object.fromEntries(request.headers), body: await request.json() }]);
  return new Response("{}", { status: host.startsWith("failing") ? 503 : 200 });
}

/**
 * Everything outside the worker: collectors of spans, plain origins, and the edge's egress with the origins behind it. `/redirect` leads to
 * `?to=`, `/body` gives the body back, certificates named like a failure fail, everything else mirrors the request.
 */
async function answerAsOutside(request: Request): Promise<Response> {
  const call = parseEgressCall(request.headers.get(EGRESS_CALL_HEADER) ?? "");
  const { target, certificate } = call ?? {};
  const url = new URL(target ?? request.url);
  if (url.hostname.endsWith(".collector.example")) return answerAsCollector(request, url.hostname);
  if (certificate?.startsWith("origin_") || certificate?.startsWith("mtls_")) {
    const headers = { "sallyport-egress-failure": certificate };
    const { status } = PROBLEMS[certificate as keyof typeof PROBLEMS] ?? PROBLEMS.origin_unreachable;
    return Response.json({ reason: "a reason", hint: "a hint" }, { status, headers });
  }
  if (url.pathname === "/redirect") {
    const headers = { location: url.searchParams.get("to") ?? "" };
    return new Response(null, { status: Number(url.searchParams.get("status") ?? 302), headers });
  }
  if (url.pathname === "/body") return new Response(request.body);
  const [headers, body] = [Object.fromEntries(request.headers), await request.text()];
  return Response.json({ method: request.method, url: url.href, isEgress: call !== undefined, call, headers, body });
}

/** The gateway worker in workerd. Tests make their own workers; `main` is the one that is reached from outside. */
export default defineConfig({
  plugins: [
    cloudflareTest({
      main: fileURLToPath(new URL("./example-worker.ts", import.meta.url)),
      miniflare: {
        compatibilityDate: "2026-10-01",
        bindings: {
          SALLYPORT_ENVIRONMENT: "development",
          GREETING: "from a variable",
          NOT_A_STRING: { object: true },
          ALB_BACKEND_URL: "https://alb.example",
          ALB_MTLS_CERT: "alb_cert_of_environment",
        },
        outboundService: answerAsOutside,
      },
    }),
  ],
  resolve: { alias: { "@zuplo/runtime": runtime, "@sallyport/runtime": runtime } },
  test: {
    name: "worker",
    include: [fileURLToPath(new URL("./**/*.test.ts", import.meta.url))],
    maxWorkers: MAX_WORKERS,
  },
});
