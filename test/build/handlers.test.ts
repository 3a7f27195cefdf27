// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/** Handlers of the runtime in route files: what the build accepts, and what it says about the rest. */
import { expect, test } from "vitest";
import { findProblems, route } from "./project-directory.ts";

function problemsOfHandler(name: string, options: Record<string, unknown>): Promise<string[]> {
  const handler = { export: name, module: "$import(@zuplo/runtime)", options };
  return findProblems({ "config/routes.oas.json": route({ handler }) });
}

test.each([
  ["urlForwardHandler", { baseUrl: "https://alb.example", mtlsCertificate: "aws_alb_cert" }],
  ["urlForwardHandler", { baseUrl: "${env.ALB_BACKEND_URL}", mtlsCertificate: "$env(ALB_MTLS_CERT)" }],
  ["urlForwardHandler", { baseUrl: "$env(ALB_BACKEND_URL)", forwardSearch: false, followRedirects: true }],
  ["urlRewriteHandler", { rewritePattern: "https://${env.HOST}/v2/${e(params.id)}" }],
  ["urlRewriteHandler", { rewritePattern: "HTTP${env.S}://a.example" }],
  ["urlRewriteHandler", { rewritePattern: "${env.ORIGIN}/v2" }],
  ["redirectHandler", { location: "https://docs.example/", status: 301 }],
])("%s builds with %o", async (name, options) => {
  expect(await problemsOfHandler(name, options)).toEqual([]);
});

test.each([
  ["urlForwardHandler", {}, '"baseUrl" is missing, expected: string'],
  [
    "urlForwardHandler",
    { baseURL: "https://a.example" },
    '"baseURL" is not a key here, allowed: baseUrl, forwardSearch',
  ],
  ["urlForwardHandler", { baseUrl: "alb.example" }, '"alb.example" is not an absolute URL'],
  ["urlForwardHandler", { baseUrl: "https://${env.HOST" }, 'does not end with "}"'],
  ["urlRewriteHandler", { rewritePattern: "/v2/${params.id}" }, '"/v2/${params.id}" is not an absolute URL'],
  ["urlForwardHandler", { baseUrl: "ftp://${env.HOST}" }, "is not an absolute URL"],
  ["urlRewriteHandler", { rewritePattern: "https://${eval('1')}/" }, "is not a property path"],
  ["redirectHandler", { location: "/", status: 200 }, '"200" is not a redirect status'],
  [
    "urlForwardHandler",
    { baseUrl: "https://a.example", mtlsCertificate: "" },
    '.options.mtlsCertificate: "" is not the name of an mTLS certificate',
  ],
  [
    "urlRewriteHandler",
    { rewritePattern: "https://a.example", mtlsCertificate: "aws-alb-cert" },
    '.options.mtlsCertificate: "aws-alb-cert" cannot be the name of an mTLS certificate, allowed are 1 to 64 letters',
  ],
])("%s does not build with %o", async (name, options, problem) => {
  const problems = await problemsOfHandler(name, options);
  expect(problems).toContainEqual(expect.stringContaining(problem));
  expect(problems[0]).toMatch(/^config\/routes\.oas\.json: paths\["\/v1"\]\.get\["x-zuplo-route"\]\.handler\.options/);
});
