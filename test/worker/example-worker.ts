/** What `sallyport build` would write for a small project: the worker that the pool starts. */
import { createWorker } from "../../src/worker.ts";
import * as seedHandler from "./seed-handler.ts";
import { mtlsPolicy, project, route } from "./support.ts";

function acceptSocket(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.addEventListener("message", (event) => server.send(`echo ${event.data}`));
  return new Response(null, { status: 101, webSocket: client });
}

export default createWorker(
  project({
    routes: [
      route("/socket", { handler: { module: "./modules/socket", export: "default" } }),

      route("/v1/example", { handler: { module: "./modules/seed-handler", export: "default" }, inbound: ["mtls"] }),
    ],
    policies: [mtlsPolicy("mtls", { certIssuerDN: "CN=example-ca, O=Example, C=US" })],
  }),
  { "./modules/seed-handler": seedHandler, "./modules/socket": { default: acceptSocket } },
);
