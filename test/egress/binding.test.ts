/** The egress on a unix socket, and a worker in workerd that has a binding to it, as `sallyport serve` starts both. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSocketDirectory } from "../../cli/stack/socket-directory.ts";
import { EGRESS_BINDING } from "../../src/contract/egress.ts";
import { echoWebSocket } from "../edge/harness/websocket-server.ts";
import { PROJECT, startTestEgress, type TestEgress } from "./harness/egress.ts";
import { type Origin, startOrigin } from "./harness/origin.ts";
import { createTestPki, upload } from "./harness/pki.ts";

const SCRIPT = `
import { env } from "cloudflare:workers";
import { createCertificateTransport } from "./certificate-transport.ts";
import { setCertificateTransport } from "./fetch.ts";

const { token, project, origin, ${EGRESS_BINDING}: binding } = env;
const plainFetch = () => { throw new Error("not by the worker's own fetch"); };
setCertificateTransport(createCertificateTransport({}, { url: "http://egress", token, project, binding }, plainFetch));
const sallyport = { mtlsCertificate: "gateway" };

export default {
  async fetch(request) {
    if (!request.url.endsWith("/socket")) return fetch(origin + "/orders", { sallyport, method: "POST", body: request.body });
    const { webSocket } = await fetch(origin + "/socket", { sallyport, headers: { upgrade: "websocket" } });
    webSocket.accept();
    const message = new Promise((resolve) => webSocket.addEventListener("message", ({ data }) => resolve(data)));
    webSocket.send("hello");
    const text = await message;
    webSocket.close();
    return new Response(text);
  },
};`;

const directory = createSocketDirectory();
const path = join(directory, "egress");
let origin: Origin;
let egress: TestEgress;
let worker: Miniflare;

beforeAll(async () => {
  const pki = await createTestPki();
  origin = await startOrigin(pki);
  origin.onUpgrade = echoWebSocket;
  egress = await startTestEgress({ ...pki.outbound({ gateway: upload(pki.gateway) }), listen: { path } });
  const resolveDir = join(import.meta.dirname, "../../src/runtime");
  const stdin = { contents: SCRIPT, resolveDir, loader: "js" as const };
  const external = ["cloudflare:*"];
  const { outputFiles } = await build({ stdin, external, bundle: true, write: false, format: "esm", target: "esnext" });
  worker = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          name: "worker",
          compatibilityDate: "2026-10-01",
          modules: [{ type: "ESModule", path: "worker.js", contents: outputFiles[0]?.text ?? "" }],
          bindings: { token: egress.token, project: PROJECT, origin: origin.url },
          serviceBindings: { [EGRESS_BINDING]: { external: { address: egress.url, http: {} } } },
        },
      ],
    }),
  );
  await worker.ready;
});

afterAll(async () => {
  await worker?.dispose();
  await egress?.[Symbol.asyncDispose]();
  await origin?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

it("says its address as workerd writes it", () => {
  expect(egress.url).toBe(`unix:${path}`);
});

it("sends a request with its body, and presents the certificate", async () => {
  const response = await worker.dispatchFetch("http://worker/", { method: "POST", body: "two lemons" });
  expect(response.status).toBe(200);
  expect(origin.requests.at(-1)?.request.url).toBe("/orders");
  expect(await response.text()).toContain("two lemons");
  expect(origin.handshakes).toContain("gateway");
});

it("opens a WebSocket", async () => {
  expect(await (await worker.dispatchFetch("http://worker/socket")).text()).toBe("hello");
});
