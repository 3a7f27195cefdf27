/** Bodies, large answers and many requests at once over HTTP/1.1 and HTTP/2, as servers in use speak them. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Question, startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki } from "../egress/harness/pki.ts";
import { inParallel } from "./load.ts";
import { subjectIn } from "./origins/all.ts";
import { startApache } from "./origins/apache.ts";
import { startHaproxy } from "./origins/haproxy.ts";
import { startNginx } from "./origins/nginx.ts";
import { CONNECTION_HEADER, type Origin, TLS_VERSIONS } from "./origins/origin.ts";
import { type Received, sha256, startUpstream, type Upstream } from "./upstream.ts";

const PROXIES = [
  { name: "nginx", start: startNginx, http2: /^HTTP\/2\.0 / },
  { name: "haproxy", start: startHaproxy, http2: /^h2 / },
  { name: "Apache httpd", start: startApache, http2: /^HTTP\/2\.0 / },
];
const PROTOCOLS = TLS_VERSIONS.flatMap((tls) => [
  { tls, http2: false, name: `HTTP/1.1, TLS ${tls}` },
  { tls, http2: true, name: `HTTP/2, TLS ${tls}` },
]);

let pki: TestPki;
let egress: TestEgress;
let upstream: Upstream;
beforeAll(async () => {
  pki = await createTestPki();
  egress = await startTestEgress(pki.outbound());
  upstream = await startUpstream();
});
afterAll(async () => {
  await egress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function connectionsOf(answers: readonly Answer[]): number {
  return new Set(answers.map(({ headers }) => headers[CONNECTION_HEADER])).size;
}

describe.each(PROXIES)("$name", (proxy) => {
  describe.each(PROTOCOLS)("$name", ({ tls, http2 }) => {
    let origin: Origin;
    beforeAll(async () => {
      const { address } = upstream;
      const clientRoot = pki.clientCa.certificatePem;
      origin = await proxy.start({ tls, http2, server: pki.server, clientRoot, upstream: address });
    });
    afterAll(() => origin[Symbol.asyncDispose]());

    it("is what is spoken, with our certificate", async () => {
      const answer = await egress.ask(`${origin.url}/`);
      expect([answer.status, subjectIn(answer)]).toEqual([200, "CN=gateway"]);
      if (http2) expect(answer.headers["x-protocol"]).toMatch(proxy.http2);
      else expect(answer.headers["x-protocol"]).toMatch(/^HTTP\/1\.1 /i);
    });

    it("carries 300 requests, 100 at once", async () => {
      const answers = await inParallel(300, 100, () => egress.ask(`${origin.url}/`));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      expect(new Set(answers.map(subjectIn))).toEqual(new Set(["CN=gateway"]));
      // As few as the origin's limit of streams asks for. Under HTTP/1.1 Apache ends some of them early to have room.
      expect(connectionsOf(answers)).toBeLessThanOrEqual(http2 ? 4 : 300);
    });

    it("carries request bodies of many sizes at once, each its own", async () => {
      const sizes = Array.from({ length: 60 }, (_, index) => (index % 12) * 20_011 + index);
      const told = await inParallel(sizes.length, 20, async (index) => {
        const body = randomBytes(sizes[index] ?? 0);
        const { status, text } = await egress.ask(`${origin.url}/upstream/tell`, { method: "POST", body });
        expect(status).toBe(200);
        const received: Received = JSON.parse(text);
        return received.sha256 === sha256(body) && received.bytes === body.length && received.subject;
      });
      expect(new Set(told)).toEqual(new Set(["CN=gateway"]));
    });

    it("carries a request body of 5 MiB", async () => {
      const body = randomBytes(5 * 1024 * 1024);
      const { text } = await egress.ask(`${origin.url}/upstream/tell`, { method: "PUT", body });
      expect(JSON.parse(text)).toMatchObject({ method: "PUT", bytes: body.length, sha256: sha256(body) });
    });

    it("carries answers of 5 MiB, eight at once", async () => {
      const answers = await inParallel(8, 8, () => egress.ask(`${origin.url}/upstream/large`));
      for (const { status, text } of answers) expect([status, sha256(text)]).toEqual([200, upstream.largeSha256]);
    });
  });
});

describe.each(PROTOCOLS)("nginx that ends connections after 100 requests, $name", ({ tls, http2 }) => {
  const ask = async (count: number, concurrency: number, path: string, question: Question) => {
    const options = { tls, http2, server: pki.server, clientRoot: pki.clientCa.certificatePem };
    await using origin = await startNginx({ ...options, upstream: upstream.address, requestsPerConnection: 100 });
    return await inParallel(count, concurrency, () => egress.ask(`${origin.url}${path}`, question));
  };

  /** nginx's own answer, so that the last one and the end of the connection come in one piece */
  it("loses no GET", async () => {
    const answers = await ask(4_000, 100, "/", {});
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(connectionsOf(answers)).toBeGreaterThanOrEqual(40);
  });

  it("loses no POST, and carries each once", async () => {
    const before = upstream.received.length;
    const answers = await ask(1_000, 20, "/upstream/tell", { method: "POST", body: "x".repeat(1_000) });
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(upstream.received.length - before).toBe(answers.length);
  });
});
