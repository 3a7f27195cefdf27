/** All steady clients of a stand, verified ones and strangers, in one process: what they saw since they were last asked. */
import { runAsChild } from "../../../bench/processes/run-as-child.ts";
import type { ClientsInput, ClientsReport } from "./clients.ts";
import { startStrangers } from "./strangers.ts";
import { emptyTally, startVerifiedClients, summarize } from "./verified-clients.ts";

runAsChild<ClientsInput, object>(async (input) => {
  let tally = emptyTally();
  let from = performance.now();
  startVerifiedClients(input, () => tally);
  startStrangers(input, () => tally);
  return {
    output: {},
    report(): ClientsReport {
      const report = summarize(tally, from);
      tally = emptyTally();
      from = performance.now();
      return report;
    },
  };
});
