/** @fastify/http-proxy where the edge stands: on node:https, which asks for client certificates. HTTP/1.1. */
import type { AddressInfo } from "node:net";
import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { type IngressInput, type IngressOutput, UPSTREAM_CONNECTIONS_KEPT } from "./ingress.ts";
import { addVerdict, askForCertificates } from "./node-proxy.ts";
import { runAsChild } from "./run-as-child.ts";

runAsChild<IngressInput, IngressOutput>(async ({ upstreamUrl, tls }) => {
  const server = fastify({ https: askForCertificates(tls), logger: false });
  await server.register(httpProxy, {
    upstream: upstreamUrl,
    undici: { connections: UPSTREAM_CONNECTIONS_KEPT, pipelining: 1 },
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => addVerdict(headers, request.raw.socket),
    },
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  return { output: { port: (server.server.address() as AddressInfo).port, pids: [process.pid] } };
});
