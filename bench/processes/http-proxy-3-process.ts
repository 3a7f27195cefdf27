/** http-proxy-3 where the edge stands: on node:https, which asks for client certificates. HTTP/1.1. */
import { Agent } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createProxyServer } from "http-proxy-3";
import { type IngressInput, type IngressOutput, UPSTREAM_CONNECTIONS_KEPT } from "./ingress.ts";
import { addVerdict, askForCertificates } from "./node-proxy.ts";
import { runAsChild } from "./run-as-child.ts";

runAsChild<IngressInput, IngressOutput>(async ({ upstreamUrl, tls }) => {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: UPSTREAM_CONNECTIONS_KEPT });
  const proxy = createProxyServer({ target: upstreamUrl, agent });
  const server = createServer(askForCertificates(tls), (request, response) => {
    request.headers = addVerdict(request.headers, request.socket);
    proxy.web(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return { output: { port: (server.address() as AddressInfo).port, pids: [process.pid] } };
});
