/** The edge behind real load balancers: the client is who they say, and their own looking is not in the log. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ask } from "../edge/harness/client.ts";
import { startTestEdge } from "../edge/harness/edge.ts";
import { askHttp2, connectHttp2 } from "../edge/harness/http2-client.ts";
import { CHECK_INTERVAL_MS, hasNginxStream, LOAD_BALANCERS, type LoadBalancer, NGINX } from "./load-balancers.ts";

/** Of this machine, and not where the load balancer connects from */
const CLIENT = "127.0.0.3";

function behind({ start }: LoadBalancer): void {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "the client is who it says, over %s, HTTP/1.1 and HTTP/2",
    async (version) => {
      await using edge = await startTestEdge({ proxyProtocolFrom: ["127.0.0.1"] });
      await using balancer = await start(edge.port);
      const reached = { ...edge, port: balancer.port };
      const tls = { localAddress: CLIENT, minVersion: version, maxVersion: version };
      const body = "x".repeat(1_000_000);
      const headers = { "true-client-ip": "6.6.6.6", "x-forwarded-for": "6.6.6.6" };
      const seen = (await ask(reached, { tls, method: "POST", headers, body })).seen();
      expect(seen.body).toBe(body);
      expect([seen.headers["true-client-ip"], seen.headers["x-forwarded-for"]]).toEqual([CLIENT, CLIENT]);
      expect((await edge.readAssertion(seen.headers)).client.address).toBe(CLIENT);
      const session = await connectHttp2(reached, { tls });
      const answers = await Promise.all(Array.from({ length: 10 }, () => askHttp2(session)));
      for (const answer of answers) expect(answer.seen().headers["true-client-ip"]).toBe(CLIENT);
      session.destroy();
      expect((await edge.waitForLog("request", 11)).map(({ client }) => client)).toEqual(Array(11).fill(CLIENT));
    },
  );

  it("looks whether the edge is there, which is not in the log; what its clients do wrong is, with their address", async () => {
    await using edge = await startTestEdge({ proxyProtocolFrom: ["127.0.0.1"] });
    await using balancer = await start(edge.port);
    const reached = { ...edge, port: balancer.port };
    // Of the handshakes by which `start` found out that it is up
    await delay(100 * CHECK_INTERVAL_MS);
    const before = edge.logEvents("handshake_failed").length;
    await delay(400 * CHECK_INTERVAL_MS);
    expect(edge.logEvents("handshake_failed").length).toBe(before);
    const wrong = { localAddress: CLIENT, ALPNProtocols: ["nothing"] };
    await expect(ask(reached, { tls: wrong })).rejects.toThrow();
    const failed = await edge.waitForLog("handshake_failed", before + 1);
    expect(failed.at(-1)).toMatchObject({ client: CLIENT });
  });
}

describe.each(LOAD_BALANCERS)("behind $name", behind);
describe.runIf(hasNginxStream)("behind nginx proxy_protocol on (libnginx-mod-stream)", () => behind(NGINX));
