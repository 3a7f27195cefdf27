/** What user code is given: the context and the request. */
import { describe, expect, it } from "vitest";
import { type RequestHandler, ZuploRequest } from "../../src/runtime/index.ts";
import { captureConsole } from "./console.ts";
import { route, startRoutes } from "./support.ts";
import { start } from "./user-code.ts";

const log = captureConsole();

describe("the context", () => {
  it("logs one JSON line a call, whatever is logged", async () => {
    const handler: RequestHandler = (_request, context) => {
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      context.log.setLogProperties({ tenant: "a", requestId: "forged" });
      context.log.info("one\ntwo", { size: 1n });
      context.log.warn(circular);
      return context.requestId;
    };
    const requestId = await (await startRoutes(handler, route("/")).fetch("/")).json();
    expect(log).toMatchObject([
      { level: "info", requestId, tenant: "a", message: "one\ntwo", data: { size: "1" } },
      { level: "warn", requestId },
    ]);
  });

  it("describes the route and cannot be used to change it", async () => {
    const handler: RequestHandler = (_request, { route, incomingRequestProperties }) => {
      route.raw().summary = "changed";
      return [route.path, route.methods, route.operationId, route.raw(), Object.isFrozen(incomingRequestProperties)];
    };
    const worker = startRoutes(handler, route("/a"), route("/a", { method: "PUT" }));
    expect(await (await worker.fetch("/a")).json()).toEqual([
      "/a",
      ["GET", "PUT"],
      "GET /a",
      { summary: "as in the file" },
      true,
    ]);
  });

  it("runs other policies by name", async () => {
    const worker = start({
      handler: async (request, context) => {
        const allowed = await context.invokeInboundPolicy("inbound", request);
        if (allowed instanceof Response) return allowed;
        return context.invokeOutboundPolicy("outbound", new Response("x"), allowed);
      },
    });
    expect(await (await worker.fetch("/x")).text()).toBe("x");
    const missing = start({ handler: (request, context) => context.invokeInboundPolicy("nowhere", request) });
    expect((await missing.fetch("/x")).status).toBe(500);
  });
});

describe("ZuploRequest", () => {
  it("takes over parameters and user from the request it is made from", () => {
    const first = new ZuploRequest("https://a/?q=1", { params: { id: "1" }, user: { sub: "s", data: {} } });
    const second = new ZuploRequest(first, { headers: { "x-a": "1" } });
    expect([second.params, second.user?.sub, second.query.q, second.headers.get("x-a")]).toEqual([
      { id: "1" },
      "s",
      "1",
      "1",
    ]);
    expect(second.clone()).toBeInstanceOf(ZuploRequest);
    expect(second.clone().user?.sub).toBe("s");
  });
});
