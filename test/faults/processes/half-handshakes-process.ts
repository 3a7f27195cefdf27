/** TLS handshakes that are begun and never finished: a TCP connection, a ClientHello, silence. */
import { connect as connectTcp, type Socket } from "node:net";
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import { recordClientHello } from "../../edge/harness/raw-handshake.ts";
import type { AttackInput } from "./attack.ts";

export interface HalfHandshakesInput extends AttackInput {
  perSecond: number;
  total: number;
}

export type HalfHandshakesReport = Record<"begun" | "answered" | "ended by the edge" | "open" | "failed", number>;

const TICK_MS = 10;
/** Below the limit of open files; beyond it the flood waits for the edge */
const OPEN_MAX = 15_000;

runAsChild<HalfHandshakesInput, object>(async (input) => {
  const report: HalfHandshakesReport = { begun: 0, answered: 0, "ended by the edge": 0, open: 0, failed: 0 };
  const hello = await recordClientHello({ servername: input.hostname, ALPNProtocols: ["h2", "http/1.1"] });

  function begin(): void {
    report.begun += 1;
    report.open += 1;
    const localAddress = input.localAddresses[report.begun % input.localAddresses.length] as string;
    const socket: Socket = connectTcp({ port: input.port, host: "127.0.0.1", localAddress });
    let isBegun = false;
    socket.once("connect", () => {
      isBegun = true;
      socket.write(hello);
    });
    socket.once("data", () => {
      report.answered += 1;
      socket.resume();
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      report.open -= 1;
      report[isBegun ? "ended by the edge" : "failed"] += 1;
    });
  }

  const startedMs = performance.now();
  const timer = setInterval(() => {
    const due = Math.min(input.total, ((performance.now() - startedMs) * input.perSecond) / 1_000);
    while (report.begun < due && report.open < OPEN_MAX) begin();
    if (report.begun >= input.total) clearInterval(timer);
  }, TICK_MS);
  return { output: {}, report: () => report };
});
