/** The gateway worker behind an edge of its own, of whose assertions it has the keys. */
import { createAssertionSigner, createSigningJwk } from "../../../edge-shim/ingress/assertion-signer.ts";
import type { DirectWorker } from "../../processes/direct-worker.ts";
import type { GatewayWorkerInput } from "../../processes/gateway-worker-process.ts";
import { routePath } from "../../processes/generated-project.ts";
import { startChild } from "../../processes/start-child.ts";
import { SMALL_JSON } from "../../processes/worker-answers.ts";
import { ask } from "./check-verified.ts";
import { type Ingress, type IngressParty, startEdge } from "./ingresses.ts";

const GATEWAY_WORKER = new URL("../../processes/gateway-worker-process.ts", import.meta.url);
/** Ten thousand routes are built and bundled. */
const START_TIMEOUT_MS = 60_000;

export interface Gateway {
  edge: Ingress;
  worker: DirectWorker;
  /** Of its last route */
  path: string;
}

/** @throws Error when it serves somebody without the right certificate, or does not serve who has it */
export async function startGateway(routes: number, party: Omit<IngressParty, "worker">): Promise<Gateway> {
  const { clientSide, children } = party;
  const signingKey = await createSigningJwk();
  const { jwks } = await createAssertionSigner(signingKey);
  const input = { directory: children.scratch.create(`gateway-${routes}`), jwks, routes };
  const { output: worker } = children.keep(
    await startChild<GatewayWorkerInput, DirectWorker>(GATEWAY_WORKER, input, {
      answerTimeoutMs: START_TIMEOUT_MS,
      stderr: "ignore",
    }),
  );
  const edge = await startEdge({ ...party, worker }, clientSide.bundle, { signingKey });
  const path = routePath(routes - 1);
  const { status, body } = await ask(edge, path, clientSide.client);
  if (body !== SMALL_JSON) throw new Error(`the gateway worker answered the client with ${status}: ${body}`);
  for (const keyPair of [clientSide.stranger, undefined]) {
    const refused = await ask(edge, path, keyPair);
    if (refused.status === 200) throw new Error("the gateway worker served a client without the right certificate");
  }
  return { edge, worker, path };
}
