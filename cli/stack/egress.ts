/** The egress of a stack: what the edge needs to run it, and what a worker has to be told to be served by it. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { LOOPBACK_NETWORKS } from "../../edge-shim/egress/addresses.ts";
import type { EgressOptions } from "../../edge-shim/egress/egress.ts";
import { createEgressTokens, EGRESS_SECRET_MIN_BYTES } from "../../edge-shim/egress/token.ts";
import { readOptional } from "../../edge-shim/files.ts";
import { CliError } from "../output.ts";
import type { DeploymentFlags, EgressFlags } from "./flags.ts";
import { findPort, reservePort } from "./ports.ts";
import { type StateDirectory, writePrivate } from "./state-directory.ts";

export interface StackEgress {
  options: EgressOptions;
  /** Of the worker that serves the deployment */
  variables: Record<string, string>;
}

export interface EgressPlan {
  /** Origins on this machine are what a developer has */
  isLocal: boolean;
  /** Whether the worker can be given a binding: then the egress listens on a unix socket in this folder of ours alone */
  socketDirectory?: string | undefined;
}

/**
 * Known before anything is started, since the worker may start first.
 *
 * @throws CliError when the port cannot be had
 */
export async function planEgress(
  state: StateDirectory,
  { egressPort, egressAllow }: EgressFlags,
  { account, project }: DeploymentFlags,
  { isLocal, socketDirectory }: EgressPlan,
): Promise<StackEgress> {
  // Who asks for a port has somebody who connects to it.
  const isSocket = socketDirectory !== undefined && egressPort === undefined;
  const listen = isSocket ? { path: join(socketDirectory, "egress") } : { port: await choosePort(state, egressPort) };
  const secret = ensureEgressSecret(state);
  const name = `${account}/${project}`;
  return {
    options: { listen, secret, allowedNetworks: isLocal ? [...LOOPBACK_NETWORKS, ...egressAllow] : egressAllow },
    variables: {
      ...("port" in listen && { SALLYPORT_EGRESS_URL: `http://127.0.0.1:${listen.port}` }),
      SALLYPORT_EGRESS_TOKEN: createEgressTokens(secret).issue(name),
      SALLYPORT_EGRESS_PROJECT: name,
    },
  };
}

/** A worker that somebody else started knows the port of the last start. */
async function choosePort(state: StateDirectory, asked: number | undefined): Promise<number> {
  const path = join(state.path, "egress-port");
  const last = Number(readOptional(path)) || undefined;
  const port = asked === undefined ? await findPort(last) : await reservePort("127.0.0.1", asked, "--egress-port");
  if (port !== last) writePrivate(path, `${port}\n`);
  return port;
}

/** From which the tokens of workers are made: kept, so that a worker outlives a restart of its edge. */
function ensureEgressSecret(state: StateDirectory): Buffer {
  const path = join(state.path, "egress-secret");
  const text = readOptional(path);
  if (text === undefined) {
    const secret = randomBytes(EGRESS_SECRET_MIN_BYTES);
    writePrivate(path, `${secret.toString("base64")}\n`);
    return secret;
  }
  const secret = Buffer.from(text.trim(), "base64");
  if (secret.length >= EGRESS_SECRET_MIN_BYTES) return secret;
  throw new CliError(`"${path}" is not an egress secret`, "delete it: a new one is made at the next start");
}
