/** `originMock()` behind the whole gateway: what an origin gets, with which certificate, and what it answers. */
import { expect, it } from "vitest";
import { originMock } from "../../testing/worker/index.ts";
import { captureConsole } from "../worker/console.ts";
import { askGateway, fetchGateway } from "./gateway.ts";

captureConsole();
const ALB = "https://alb.example";

it("gets what the gateway sends, with the certificate that it presented, and answers", async () => {
  using alb = originMock(ALB, { respond: () => Response.json({ served: true }, { status: 201 }) });
  const response = await fetchGateway(
    "/v1/alb/orders?page=1",
    { "x-tenant": "7" },
    { method: "POST", body: "an order" },
  );
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ served: true });
  expect(alb.requests).toMatchObject([
    {
      method: "POST",
      url: `${ALB}/v1/alb/orders?page=1`,
      certificate: "aws_alb_cert",
      headers: { "x-tenant": "7" },
      body: "an order",
    },
  ]);
  expect(Object.keys(alb.requests[0]?.headers ?? {}).filter((name) => name.startsWith("sallyport-"))).toEqual([]);
});

it("serves a function that names its certificate, too", async () => {
  using alb = originMock(ALB, { certificate: "aws_alb_cert", respond: () => new Response("from a function") });
  expect(await (await fetchGateway("/v1/alb-function")).text()).toBe("from a function");
  expect(alb.requests).toHaveLength(1);
});

it("ends the handshake where another certificate was presented than it wants", async () => {
  using alb = originMock(ALB, { certificate: "another_cert" });
  const answer = await askGateway("/v1/alb/x");
  expect(answer).toMatchObject({ status: 522, code: "origin_client_certificate_rejected" });
  expect(answer.reason).toContain('the mTLS certificate "aws_alb_cert", expected "another_cert"');
  expect(alb.requests).toEqual([]);
});

it("sees a request without a certificate, and refuses it where it wants one", async () => {
  {
    using alb = originMock(ALB);
    expect((await fetchGateway("/v1/alb-plain/x")).status).toBe(200);
    expect(alb.requests).toMatchObject([{ certificate: undefined, url: `${ALB}/v1/alb-plain/x` }]);
  }
  using _strict = originMock(ALB, { certificate: "aws_alb_cert" });
  const answer = await askGateway("/v1/alb-plain/x");
  expect(answer.status).toBe(522);
  expect(answer.reason).toContain("got no mTLS certificate");
});

it("is gone after its scope, and then it is said how to make one", async () => {
  {
    using _alb = originMock(ALB);
    expect((await fetchGateway("/v1/alb/x")).status).toBe(200);
  }
  const answer = await askGateway("/v1/alb/x");
  expect(answer).toMatchObject({ status: 522, code: "origin_unreachable", reason: `no mock answers for ${ALB}` });
  expect(answer.hint).toContain(`originMock("${ALB}")`);
});

it("of two for an origin the later one answers, until it goes", async () => {
  using _first = originMock(ALB, { respond: () => new Response("first") });
  {
    using _second = originMock(ALB, { respond: () => new Response("second") });
    expect(await (await fetchGateway("/v1/alb/x")).text()).toBe("second");
  }
  expect(await (await fetchGateway("/v1/alb/x")).text()).toBe("first");
});

it.each(["alb.example", "https://alb.example/path", "data:,x"])("misuse is told: %s is not an origin", (origin) => {
  expect(() => originMock(origin)).toThrow(`"${origin}" is not an origin`);
});
