/** Policies of the runtime that set and remove headers. */
import { describe, expect, it } from "vitest";
import { echo, HOST, project, route, runtimePolicy, startWorker } from "./support.ts";

describe("the runtime's header policies", () => {
  const policies = [
    runtimePolicy("set", "SetHeadersInboundPolicy", {
      headers: [
        { name: "x-set", value: "$env(VALUE)" },
        { name: "x-there", value: "new", overwrite: false },
      ],
    }),
    runtimePolicy("remove", "RemoveHeadersInboundPolicy", { headers: ["X-Secret"] }),
    runtimePolicy("all", "CompositeInboundPolicy", { policies: ["set", "remove"] }),
    runtimePolicy("set-out", "SetHeadersOutboundPolicy", { headers: [{ name: "x-out", value: "1" }] }),
    runtimePolicy("remove-out", "RemoveHeadersOutboundPolicy", { headers: ["location"] }),
  ];

  it("change requests, one by one or as a composite", async () => {
    const definition = project({ routes: [route("/", { inbound: ["all"] })], policies });
    const worker = startWorker(definition, { "./modules/handler": { default: echo } }, { variables: { VALUE: "v" } });
    const headers = { "x-there": "old", "x-secret": "s" };
    const body = await (await worker.fetch(new Request(`https://${HOST}/`, { headers }))).json<{ headers: object }>();
    expect(body.headers).toMatchObject({ "x-set": "v", "x-there": "old" });
    expect(body.headers).not.toHaveProperty("x-secret");
  });

  it("change responses, also immutable ones", async () => {
    const definition = project({ routes: [route("/", { outbound: ["set-out", "remove-out"] })], policies });
    const handler = () => Response.redirect("https://elsewhere.example/");
    const variables = { VALUE: "v" };
    const response = await startWorker(definition, { "./modules/handler": { default: handler } }, { variables }).fetch(
      "/",
    );
    expect([response.headers.get("x-out"), response.headers.get("location")]).toEqual(["1", null]);
  });
});
