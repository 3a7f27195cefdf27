/** Clients that take all the time that they are given, and come back when the edge has had enough of them. */
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { LARGE_PATH } from "./answers.ts";
import { type AttackInput, connectionOptions } from "./attack.ts";
import type { Counts } from "./clients.ts";

/**
 * Headers or bodies: a byte now and then. Answers: a long one, of which every second client takes a little now and then,
 * and the others nothing at all. These do not see that they are cut off; the edge says so.
 */
export type Slowness = "headers" | "bodies" | "answers";

export interface SlowInput extends AttackInput {
  slowness: Slowness;
  clients: number;
}

const PAUSE_MS = 500;
const READ_BYTES = 1_024;
/** Between two connections of a client, and at the start */
const REST_MS = 1_000;

runAsChild<SlowInput, object>(async (input) => {
  const report: Counts = { connections: 0 };
  const count = (what: string) => {
    report[what] = (report[what] ?? 0) + 1;
  };

  async function keepComing(turn: number): Promise<never> {
    for (;;) {
      await delay(REST_MS * Math.random());
      const socket = connect({ ...connectionOptions(input, turn), ALPNProtocols: ["http/1.1"] });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      const ending = watchEnding(socket);
      socket
        .on("error", () => {})
        .once("secureConnect", () => {
          count("connections");
          if (input.slowness === "answers") readSlowly(socket, input.hostname, turn % 2 === 0);
          else writeSlowly(socket, input);
        });
      await closed;
      count(ending());
    }
  }

  for (let turn = 0; turn < input.clients; turn++) void keepComing(turn);
  return { output: {}, report: () => report };
});

/** How it ended: with the status of a refusal, or `cut`. */
function watchEnding(socket: TLSSocket): () => string {
  let status = "";
  socket.pause().on("data", (chunk: Buffer) => {
    status ||= chunk.toString("latin1").slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
  });
  return () => (status === "" || status === "200" ? "cut" : status);
}

function writeSlowly(socket: TLSSocket, { slowness, hostname }: SlowInput): void {
  if (slowness === "headers") socket.write(`GET / HTTP/1.1\r\nhost: ${hostname}\r\nx-slow: `);
  else socket.write(`POST / HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 1000000\r\n\r\n`);
  socket.resume();
  const timer = setInterval(() => socket.write("x"), PAUSE_MS);
  socket.once("close", () => clearInterval(timer));
}

function readSlowly(socket: TLSSocket, hostname: string, isReading: boolean): void {
  socket.write(`GET ${LARGE_PATH} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);
  if (!isReading) return;
  const timer = setInterval(() => socket.read(READ_BYTES), PAUSE_MS);
  socket.once("close", () => clearInterval(timer));
}
