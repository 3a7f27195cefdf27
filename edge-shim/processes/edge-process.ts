/**
 * One of several edge processes on one port: run by edge-processes.ts, which tells it what to do. It ends when it is
 * told to, or when nobody is left to tell it, not by the signals that a terminal or systemd sends to all at once: then
 * what it has under way would be cut before the port is closed.
 */
import { AggregatorRegistry } from "prom-client";
import { type RunningEdge, startEdge } from "../edge.ts";
import { createLogger } from "../log.ts";
import { openTrustSource } from "../trust/open-trust-source.ts";
import { type Answer, type Call, type Calls, describeFailure } from "./calls.ts";

// Answers for this process' numbers from now on.
new AggregatorRegistry();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

let edge: RunningEdge | undefined;

const handlers: { [Name in keyof Calls]: (argument: Calls[Name]["argument"]) => Promise<Calls[Name]["result"]> } = {
  async start({ trustSource, logFormat, ...options }) {
    edge = await startEdge({
      ...options,
      trustSource: openTrustSource(trustSource),
      logger: createLogger(logFormat),
    });
    return { port: edge.port, jwks: edge.jwks };
  },
  readiness: async () => running().readiness(),
  async replaceUpstream(upstream) {
    await running().replaceUpstream(upstream);
  },
  async close() {
    await edge?.close();
  },
};

function running(): RunningEdge {
  if (edge === undefined) throw new Error("the edge process has not started");
  return edge;
}

async function answer({ call, id, argument }: Call): Promise<void> {
  const handle = handlers[call] as (argument: unknown) => Promise<unknown>;
  const said: Answer = await handle(argument).then(
    (result) => ({ answerTo: id, result }),
    (error: unknown) => ({ answerTo: id, failure: describeFailure(error) }),
  );
  process.send?.(said, () => {
    if (call === "close" || (call === "start" && "failure" in said)) process.exit();
  });
}

process.on("message", (message: Call | object) => {
  if ("call" in message) answer(message);
});
