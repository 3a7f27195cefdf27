/** Clients that connect, ask once in a while, and otherwise just stay. */

import { type ConnectionOptions, connect, createSecureContext } from "node:tls";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { type AttackInput, connectionOptions } from "./attack.ts";
import type { PresentedIdentity } from "./clients.ts";

export interface IdleInput extends AttackInput {
  connections: number;
  /** Handshakes under way at any time */
  concurrency: number;
  /** Presented by every second one */
  identity: PresentedIdentity;
}

/** `failed` ones were tried again; `closed` ones were open before. */
export type IdleReport = Record<"open" | "answers" | "failed" | "closed", number>;

/** Half of what the edge lets an idle connection stay */
const ASK_INTERVAL_MS = 30_000;

runAsChild<IdleInput, object>(async (input) => {
  const report: IdleReport = { open: 0, answers: 0, failed: 0, closed: 0 };
  const contexts = [{}, input.identity].map((identity) => createSecureContext({ ca: input.caPem, ...identity }));
  const request = `GET / HTTP/1.1\r\nhost: ${input.hostname}\r\n\r\n`;
  let turns = 0;

  /** Resolves when the first answer is there, or the connection is gone. */
  function open(turn: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const tls = { ...connectionOptions(input, turn), secureContext: contexts[turn % 2], ALPNProtocols: ["http/1.1"] };
    const socket = connect(tls as ConnectionOptions);
    let isOpen = false;
    const repeat = setInterval(() => socket.write(request), ASK_INTERVAL_MS);
    socket.once("secureConnect", () => socket.write(request));
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.toString("latin1").startsWith("HTTP/1.1 200")) return;
      report.answers += 1;
      if (!isOpen) report.open += 1;
      isOpen = true;
      resolve();
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      clearInterval(repeat);
      report[isOpen ? "closed" : "failed"] += 1;
      if (isOpen) report.open -= 1;
      resolve();
    });
    return promise;
  }

  async function keepOpening(): Promise<void> {
    while (report.open + report.closed < input.connections) await open(turns++);
  }

  for (let running = 0; running < input.concurrency; running++) void keepOpening();
  return { output: {}, report: () => report };
});
