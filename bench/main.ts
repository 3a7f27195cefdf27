/** `npm run bench [-- suite]`: measures one suite and prints its table. */
import { writeFileSync } from "node:fs";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { LOG_FORMATS, type LogFormat } from "../edge-shim/log-format.ts";
import { createReport, printReport } from "./report.ts";
import { inbound } from "./suites/inbound.ts";
import { outbound } from "./suites/outbound.ts";
import type { Suite } from "./suites/suite.ts";
import { trust } from "./suites/trust.ts";

const SUITES = { inbound, outbound, trust } satisfies Record<string, Suite>;
type SuiteName = keyof typeof SUITES;

interface BenchFlags {
  rounds: number;
  seconds: number;
  json?: string;
  cpuProf?: string;
  logFormat: LogFormat;
}

function parsePositive(value: string): number {
  const number = Number(value);
  if (!(number > 0 && number <= 1_000)) throw new InvalidArgumentError("A number above 0, 1,000 at most.");
  return number;
}

function parseRounds(value: string): number {
  const rounds = parsePositive(value);
  if (!Number.isInteger(rounds)) throw new InvalidArgumentError("A whole number.");
  return rounds;
}

async function runSuite(name: SuiteName, flags: BenchFlags): Promise<void> {
  const startedAt = new Date();
  const result = await SUITES[name].run({
    rounds: flags.rounds,
    measureMs: flags.seconds * 1_000,
    logFormat: flags.logFormat,
    note: (message) => process.stderr.write(`bench: ${message}\n`),
    ...(flags.cpuProf === undefined ? {} : { cpuProfileDir: flags.cpuProf }),
  });
  const report = createReport(name, startedAt, result);
  process.stdout.write(`${printReport(report)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
}

const suites = Object.entries(SUITES).map(([name, { description }]) => `  ${name.padEnd(10)}${description}`);
const program = new Command("bench")
  .description("measures the gateway on this machine, over loopback")
  .addArgument(new Argument("[suite]", "what to measure").choices(Object.keys(SUITES)).default("inbound"))
  .addOption(new Option("--rounds <n>", "how often each contender is measured").default(4).argParser(parseRounds))
  .addOption(new Option("--seconds <s>", "length of one measurement").default(2).argParser(parsePositive))
  .addOption(new Option("--json <file>", "also write every sample and the summary to this file"))
  .addOption(new Option("--log-format <format>", "of the edge's request log").choices(LOG_FORMATS).default("json"))
  .addOption(new Option("--cpu-prof <dir>", "have Node profile edge or egress into this directory"))
  .addHelpText("after", `\nSuites:\n${suites.join("\n")}`)
  .action(runSuite);

// An ordinary exit: what is to be removed then is removed, and children end because their channel closes.
for (const [signal, code] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const]) {
  process.once(signal, () => process.exit(code));
}

try {
  await program.parseAsync();
} catch (failure) {
  process.stderr.write(`bench: error: ${failure instanceof Error ? failure.message : String(failure)}\n`);
  // Ends children too that a suite may have left: their channel closes.
  process.exit(1);
}
