/** A certificate or CA that is taken away: at once, also from what is under way. And what a change does not touch. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../edge/harness/until.ts";
import { type Outbound, startTestEgress } from "./harness/egress.ts";
import { type Origin, PROTOCOLS, reflect, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki, upload } from "./harness/pki.ts";

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const gateway = (more: Parameters<typeof upload>[1] = {}) => pki.outbound({ gateway: upload(pki.gateway, more) });
const rotated = () => gateway({ version: "2" });

const WITHDRAWALS: Record<string, { code: string; outbound: () => Outbound }> = {
  disabled: { code: "mtls_certificate_disabled", outbound: () => gateway({ isDisabled: true }) },
  deleted: { code: "mtls_certificate_not_found", outbound: () => pki.outbound({}) },
  "taken from this type of environment": {
    code: "mtls_certificate_disabled",
    outbound: () => gateway({ environmentTypes: ["production"] }),
  },
  "left without its key": {
    code: "mtls_certificate_not_found",
    outbound: () => pki.outbound({ gateway: { chainPem: pki.gateway.chainPem } }),
  },
};

/** Answers nothing but `/quick`. */
function hold(origin: Origin): void {
  origin.onRequest = (request, response) => {
    if (request.url === "/quick") void reflect(request, response);
    if (request.url === "/begun") response.write("half");
  };
}

describe.each(PROTOCOLS)("over %s", (protocol) => {
  describe.each(Object.entries(WITHDRAWALS))("a certificate that is %s", (_, { code, outbound }) => {
    it("cuts requests under way, which say so, and connections that are idle", async () => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(gateway());
      hold(origin);
      await egress.ask(`${origin.url}/quick`);
      const stuck = ["GET", "POST"].map((method) => egress.ask(`${origin.url}/stuck`, { method }));
      const uploading = egress.open(`${origin.url}/upload`, { method: "POST" });
      const refused = once(uploading, "response") as Promise<[IncomingMessage]>;
      uploading.write("half");
      await until(() => origin.requests.length === 4);
      egress.replace(outbound());
      const answers = await Promise.all(stuck);
      expect(answers.map(({ status, failure }) => [status, failure?.code])).toEqual([
        [500, code],
        [500, code],
      ]);
      const [response] = await refused;
      expect([response.statusCode, response.headers["sallyport-egress-failure"]]).toEqual([500, code]);
      uploading.destroy();
      await until(() => origin.connections.size === 0);
      expect((await egress.ask(`${origin.url}/quick`)).failure?.code).toBe(code);
      expect(origin.requests).toHaveLength(4);
    });
  });

  it("an answer that has begun is cut, and no whole one, and the log says why", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(gateway());
    hold(origin);
    const sent = egress.open(`${origin.url}/begun`).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    egress.replace(gateway({ isDisabled: true }));
    await expect(text(response)).rejects.toThrow("aborted");
    expect(await egress.waitForEvents()).toMatchObject([
      { level: 40, status: 200, incomplete: true, code: "mtls_certificate_disabled" },
    ]);
  });

  it.each(["disabled", "deleted"] as const)(
    "a request that still goes on after a rotation is cut when the certificate is %s",
    async (how) => {
      await using origin = await startOrigin(pki, { protocol });
      await using egress = await startTestEgress(gateway());
      hold(origin);
      const stuck = egress.ask(`${origin.url}/stuck`);
      await until(() => origin.requests.length === 1);
      egress.replace(rotated());
      await egress.ask(`${origin.url}/quick`);
      egress.replace(WITHDRAWALS[how]?.outbound() ?? {});
      expect((await stuck).failure?.code).toBe(WITHDRAWALS[how]?.code);
      await until(() => origin.connections.size === 0);
    },
  );

  it("a request under way is cut when another certificate has taken the name", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(gateway());
    hold(origin);
    const stuck = egress.ask(`${origin.url}/stuck`);
    await until(() => origin.requests.length === 1);
    egress.replace(gateway({ id: "cert_other" }));
    expect((await stuck).failure?.reason).toContain("deleted");
  });

  it("the CA of an origin counts from the next request on, and no longer than it is there", async () => {
    const certificates = { gateway: upload(pki.gateway) };
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress({ certificates });
    const codeOf = async () => (await egress.ask(`${origin.url}/`)).failure?.code;
    expect(await codeOf()).toBe("origin_certificate_untrusted");
    egress.replace(pki.outbound());
    expect(await codeOf()).toBeUndefined();
    egress.replace({ certificates });
    await until(() => origin.connections.size === 0);
    expect(await codeOf()).toBe("origin_certificate_untrusted");
    const other = pki.clientCa.certificatePem;
    egress.replace({ certificates, originCas: [other] });
    expect(await codeOf()).toBe("origin_certificate_untrusted");
    egress.replace({ certificates, originCas: [other, pki.originCa.certificatePem] });
    expect(await codeOf()).toBeUndefined();
    egress.replace({ certificates, originCas: [other, other] });
    expect(await codeOf()).toBe("origin_certificate_untrusted");
    egress.replace(pki.outbound());
    expect(await codeOf()).toBeUndefined();
    egress.replace({ certificates, originCas: [other] });
    expect(await codeOf()).toBe("origin_certificate_untrusted");
  });

  it("changes elsewhere keep connections: no new handshake", async () => {
    await using origin = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress(gateway());
    await egress.ask(`${origin.url}/`);
    const own = { gateway: upload(pki.gateway) };
    egress.replace(gateway());
    egress.replace(pki.outbound({ ...own, other: upload(pki.server) }));
    egress.replace(pki.outbound({ ...own, other: upload(pki.server, { isDisabled: true }) }));
    egress.replace(gateway({ environmentTypes: ["development"] }));
    for (let request = 0; request < 3; request++) await egress.ask(`${origin.url}/`);
    expect(origin.handshakes).toEqual(["gateway"]);
  });
});

describe("where there is room for one pool only", () => {
  const limits = { poolsMax: 1 };

  it.each(PROTOCOLS)("%s requests of the one that had to go finish all the same", async (protocol) => {
    await using first = await startOrigin(pki, { protocol });
    await using second = await startOrigin(pki, { protocol });
    await using egress = await startTestEgress({ ...gateway(), limits });
    const finish: (() => void)[] = [];
    first.onRequest = (request, response) => void finish.push(() => void reflect(request, response));
    const slow = [egress.ask(`${first.url}/`), egress.ask(`${first.url}/`, { method: "POST", body: "x" })];
    await until(() => finish.length === 2);
    expect((await egress.ask(`${second.url}/`)).status).toBe(200);
    for (const answer of finish) answer();
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
    await until(() => first.connections.size === 0);
    first.onRequest = reflect;
    const both = [first, second, first, second].map(({ url }) => egress.ask(`${url}/`));
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  it("they are cut with their certificate", async () => {
    await using first = await startOrigin(pki);
    await using second = await startOrigin(pki);
    await using egress = await startTestEgress({ ...gateway(), limits });
    hold(first);
    const stuck = egress.ask(`${first.url}/stuck`);
    await until(() => first.requests.length === 1);
    await egress.ask(`${second.url}/`);
    egress.replace(gateway({ isDisabled: true }));
    expect((await stuck).failure?.code).toBe("mtls_certificate_disabled");
    await until(() => first.connections.size === 0);
  });
});

it.each(PROTOCOLS)(
  "closing the egress ends what is under way over %s, also with a certificate of the past",
  async (protocol) => {
    await using origin = await startOrigin(pki, { protocol });
    const egress = await startTestEgress(gateway());
    hold(origin);
    const asked = [egress.ask(`${origin.url}/stuck`)];
    await until(() => origin.requests.length === 1);
    egress.replace(rotated());
    asked.push(egress.ask(`${origin.url}/stuck`));
    await until(() => origin.requests.length === 2);
    const settled = Promise.allSettled(asked);
    await egress[Symbol.asyncDispose]();
    await until(() => origin.connections.size === 0);
    await settled;
  },
);
