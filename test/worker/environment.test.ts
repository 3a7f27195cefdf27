/** The worker as the pool starts it, with its variables from the runtime and reached by fetch. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { environment } from "../../src/runtime/index.ts";
import { captureConsole } from "./console.ts";
import * as seedHandler from "./seed-handler.ts";
import {
  assertionFor,
  ISSUER,
  mtlsPolicy,
  project,
  route,
  sign,
  startRoutes,
  startWorker,
  throughEdge,
  verifiedClient,
} from "./support.ts";

const log = captureConsole();

describe("environment", () => {
  it("has the project's variables: strings, and none of Sallyport's", () => {
    expect(env).toHaveProperty("SALLYPORT_ENVIRONMENT");
    const names = Object.keys(environment).filter((name) => !name.startsWith("__VITEST"));
    expect([names, environment.GREETING]).toEqual([
      ["GREETING", "ALB_BACKEND_URL", "ALB_MTLS_CERT"],
      "from a variable",
    ]);
  });

  it("cannot be changed, and has no members that nobody set", () => {
    expect(Object.isFrozen(environment)).toBe(true);
    expect(environment.constructor).toBeUndefined();
  });
});

describe("the started worker", () => {
  const worker = (exports as { default: Fetcher }).default;

  it("runs the seed's handler behind the policy, and verifies nobody without a source", async () => {
    const response = await worker.fetch("https://api.example.com/v1/example");
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      code: "client_certificate_rejected",
      instance: "/v1/example",
      reason: expect.stringContaining("SALLYPORT_EDGE_JWKS"),
    });
  });

  it("can be the origin of a WebSocket that a handler fetches", async () => {
    const gateway = startRoutes((request) => worker.fetch(request as Request), route("/socket"));
    const response = await gateway.fetch(
      new Request("https://api.example.com/socket", { headers: { upgrade: "websocket" } }),
    );
    expect([response.status, response.headers.has("zp-rid")]).toEqual([101, true]);
    const socket = response.webSocket;
    socket?.accept();
    const answer = new Promise((resolve) => socket?.addEventListener("message", (event) => resolve(event.data)));
    socket?.send("hi");
    expect(await answer).toBe("echo hi");
    socket?.close();
  });
});

describe("the first seed's handler, letter for letter", () => {
  it("greets the subject of a verified certificate", async () => {
    const definition = project({
      routes: [route("/v1/example", { inbound: ["mtls"] })],
      policies: [mtlsPolicy("mtls", { certIssuerDN: "CN=example-ca, O=Example, C=US" })],
    });
    const gateway = startWorker(definition, { "./modules/handler": seedHandler });
    const response = await gateway.fetch(throughEdge("/v1/example", await sign(assertionFor(verifiedClient()))));
    expect(await response.text()).toBe("Hello, CN=client,O=Example,C=US");
    expect(log).toMatchObject([{ level: "info", message: "Authenticated client", data: { issuer: ISSUER } }]);
  });
});
