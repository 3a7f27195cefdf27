/** Projects that cannot be served: every mistake is found at load, and the worker fails closed. */
import { describe, expect, it } from "vitest";
import type { ProjectDefinition, ProjectModules } from "../../src/contract/project.ts";
import { captureConsole } from "./console.ts";
import { EDGE_VARIABLES, echo, mtlsPolicy, project, route, runtimePolicy, startWorker, userPolicy } from "./support.ts";

const log = captureConsole();
const handler = { "./modules/handler": { default: echo } };

async function problemsOf(parts: Partial<ProjectDefinition>, modules: ProjectModules = handler): Promise<string> {
  const response = await startWorker(project({ routes: [route("/")], ...parts }), modules).fetch("/");
  const { code, reason } = await response.json<{ code: string; reason: string }>();
  expect([response.status, code]).toEqual([500, "configuration_invalid"]);
  return reason;
}

const composite = (name: string, ...policies: string[]) => runtimePolicy(name, "CompositeInboundPolicy", { policies });

describe("a broken project", () => {
  it("lists everything that is wrong at once", async () => {
    const problems = await problemsOf({
      routes: [
        route("/a", { handler: { module: "./modules/missing", export: "default" }, corsPolicy: "nowhere" }),
        route("/b", { inbound: ["nowhere"], outbound: ["mtls"] }),
        route("/(", { pathMode: "url-pattern" }),
      ],
      policies: [mtlsPolicy("mtls", { certIssuerDN: "nonsense", extra: 1 }), userPolicy("missing")],
    });
    expect(problems.split("\n")).toEqual([
      expect.stringContaining('policy "mtls": options.certIssuerDN'),
      expect.stringContaining('policy "mtls": options'),
      expect.stringContaining('policy "missing": "missing" of "./modules/policies" is not a function'),
      expect.stringContaining('route GET /a: handler "default" of "./modules/missing" is not a function'),
      expect.stringContaining('route GET /a: corsPolicy "nowhere" is not defined'),
      expect.stringContaining('route GET /b: "nowhere" is not an inbound policy'),
      expect.stringContaining('route GET /b: "mtls" is not an outbound policy'),
      expect.stringContaining('route GET /(: "/(" is not a URL pattern'),
    ]);
    expect(log[0]).toMatchObject({ level: "error", message: "configuration invalid" });
  });

  it("does not tell clients what is wrong outside development", async () => {
    const broken = project({ routes: [route("/", { inbound: ["nowhere"] })] });
    const variables = { ...EDGE_VARIABLES, SALLYPORT_ENVIRONMENT: "production" };
    const response = await startWorker(broken, handler, { variables }).fetch("/");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("nowhere");
  });

  it.each([
    ["an export that the runtime does not have", [runtimePolicy("a", "constructor", {})], "is not a policy"],
    ["two policies of one name", [userPolicy("a"), userPolicy("a")], "the name is taken"],
    ["a composite of nothing known", [composite("a", "b")], '"b" is not an inbound policy'],
    ["a composite of itself", [composite("a", "a")], "runs itself"],
    ["composites in a circle", [composite("a", "b"), composite("b", "a")], "runs itself"],
    [
      "a header that is ours",
      [runtimePolicy("a", "SetHeadersInboundPolicy", { headers: [{ name: "Sallyport-X", value: "1" }] })],
      "is reserved",
    ],
    [
      "a header value with a line break",
      [runtimePolicy("a", "SetHeadersInboundPolicy", { headers: [{ name: "x", value: "1\r\ny: 2" }] })],
      "is not a header value",
    ],
  ])("has %s", async (_, policies, problem) => {
    expect(await problemsOf({ policies }, { ...handler, "./modules/policies": { a: () => {} } })).toContain(problem);
  });

  it.each([
    ["no function", {}, "is not an exported function"],
    ["an async function", { runtimeInit: async () => {} }, "is async"],
    ["a function that throws", { runtimeInit: () => expect.unreachable("oops") }, "oops"],
  ])("has a runtimeInit that is %s", async (_, module, problem) => {
    expect(await problemsOf({}, { ...handler, "./modules/zuplo.runtime": module })).toContain(problem);
  });

  it("allows credentials to every origin", async () => {
    const cors = { allowedMethods: [], allowedHeaders: [], exposeHeaders: [], allowCredentials: true };
    expect(await problemsOf({ corsPolicies: [{ name: "x", allowedOrigins: ["*"], ...cors }] })).toContain("every site");
  });
});
