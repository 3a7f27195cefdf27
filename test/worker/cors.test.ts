import { describe, expect, it } from "vitest";
import type { CorsPolicyDefinition } from "../../src/contract/project.ts";
import { captureConsole } from "./console.ts";
import { HOST, mtlsPolicy, project, route, startWorker } from "./support.ts";

captureConsole();

const partners: CorsPolicyDefinition = {
  name: "partners",
  allowedOrigins: ["https://app.example.com", "https://*.partner.example"],
  allowedMethods: ["GET", "POST"],
  allowedHeaders: ["authorization"],
  exposeHeaders: ["x-total"],
  maxAge: 600,
  allowCredentials: true,
};

const worker = startWorker(
  project({
    routes: [
      route("/partners", { corsPolicy: "partners" }),
      route("/guarded", { corsPolicy: "partners", inbound: ["mtls"] }),
      route("/anyone", { corsPolicy: "anything-goes" }),
      route("/none"),
    ],
    policies: [mtlsPolicy("mtls", { certIssuerDN: "CN=example-ca" })],
    corsPolicies: [partners],
  }),
  { "./modules/handler": { default: () => "ok" } },
);

function preflight(path: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    "access-control-request-method": "GET",
    "access-control-request-headers": "x-wanted",
  };
  return worker.fetch(new Request(`https://${HOST}${path}`, { method: "OPTIONS", headers }));
}

const get = (path: string, origin: string) =>
  worker.fetch(new Request(`https://${HOST}${path}`, { headers: { origin } }));

const corsHeaders = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("access-control-")));

describe("a preflight request", () => {
  it("is answered before policies run", async () => {
    const response = await preflight("/guarded", "https://app.example.com");
    expect(response.status).toBe(204);
    expect(corsHeaders(response)).toEqual({
      "access-control-allow-origin": "https://app.example.com",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": "authorization",
      "access-control-max-age": "600",
    });
    expect(response.headers.has("zp-rid")).toBe(true);
  });

  it("gets what it asks for where anything goes, but no credentials", async () => {
    const headers = corsHeaders(await preflight("/anyone", "https://evil.example"));
    expect(headers).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "x-wanted",
    });
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });

  it("is an ordinary request on a route without a CORS policy", async () => {
    expect((await preflight("/none", "https://app.example.com")).status).toBe(405);
  });
});

describe("a cross-origin request", () => {
  it.each(["https://app.example.com", "https://a.partner.example"])("may be read by %s", async (origin) => {
    const response = await get("/partners", origin);
    expect(corsHeaders(response)).toEqual({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-total",
    });
    expect(response.headers.get("vary")).toBe("origin");
  });

  it.each([
    "https://appXexample.com",
    "http://app.example.com",
    "https://a.b.partner.example",
    "https://partner.example",
    "https://evil.example/.partner.example",
    "https://app.example.com.evil.example",
    "null",
  ])("may not be read by %s", async (origin) => {
    expect(corsHeaders(await get("/partners", origin))).toEqual({});
    expect(corsHeaders(await preflight("/partners", origin))).toEqual({});
  });

  it("may read a rejection too", async () => {
    const response = await get("/guarded", "https://app.example.com");
    expect(response.status).toBe(401);
    expect(corsHeaders(response)).toHaveProperty("access-control-allow-origin", "https://app.example.com");
  });
});
