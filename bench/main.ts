/** `npm run bench [-- suites]`: measures, prints a table for each suite, and all targets at the end. */
import { writeFileSync } from "node:fs";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { LOG_FORMATS, type LogFormat } from "../edge-shim/log-format.ts";
import { drawInbound } from "./chart.ts";
import { printFigures } from "./figures.ts";
import { createReport, printReport, type Report } from "./report.ts";
import { crossCheck } from "./suites/cross-check.ts";
import { gateway } from "./suites/gateway.ts";
import { growth } from "./suites/growth.ts";
import { handshakes } from "./suites/handshakes.ts";
import { idle } from "./suites/idle.ts";
import { inbound } from "./suites/inbound.ts";
import { outbound } from "./suites/outbound.ts";
import type { Suite, SuiteOptions } from "./suites/suite.ts";
import { through } from "./suites/through.ts";
import { trust } from "./suites/trust.ts";

const SUITES = {
  inbound,
  handshakes,
  gateway,
  idle,
  growth,
  outbound,
  through,
  "cross-check": crossCheck,
  trust,
} satisfies Record<string, Suite>;
type SuiteName = keyof typeof SUITES;

/** About control plane and change, and two minutes long. */
const ONLY_BY_NAME: readonly SuiteName[] = ["trust"];
const NAMES = Object.keys(SUITES) as SuiteName[];
const COMPLETE_RUN = NAMES.filter((name) => !ONLY_BY_NAME.includes(name));

interface BenchFlags {
  rounds: number;
  seconds: number;
  json?: string;
  chart?: string;
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

function note(message: string): void {
  process.stderr.write(`bench: ${message}\n`);
}

async function run(names: SuiteName[], flags: BenchFlags): Promise<void> {
  if (flags.chart !== undefined && !names.includes("inbound")) {
    throw new InvalidArgumentError("--chart draws the inbound suite, which is not asked for");
  }
  const options: SuiteOptions = {
    rounds: flags.rounds,
    measureMs: flags.seconds * 1_000,
    logFormat: flags.logFormat,
    note,
    ...(flags.cpuProf === undefined ? {} : { cpuProfileDir: flags.cpuProf }),
  };
  const reports: Report[] = [];
  for (const name of names) {
    const report = await runSuite(name, options);
    if (report === undefined) continue;
    reports.push(report);
    // As it grows, so that what was measured is kept when the run is ended.
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ suites: reports }, null, 2)}\n`);
    if (flags.chart !== undefined && name === "inbound") writeFileSync(flags.chart, drawInbound(report));
  }
  const targets = reports.flatMap(({ figures }) => figures).filter(({ target }) => target !== undefined);
  if (reports.length > 1 && targets.length > 0) process.stdout.write(`${printFigures("targets", targets)}\n`);
}

/** A suite that fails does not take the others with it. */
async function runSuite(name: SuiteName, options: SuiteOptions): Promise<Report | undefined> {
  const startedAt = new Date();
  note(`suite ${name}`);
  try {
    const report = createReport(name, startedAt, await SUITES[name].run(options));
    process.stdout.write(`${printReport(report)}\n\n`);
    return report;
  } catch (failure) {
    note(`error: suite ${name}: ${failure instanceof Error ? failure.message : String(failure)}`);
    process.exitCode = 1;
    return undefined;
  }
}

const suites = Object.entries(SUITES).map(([name, { description }]) => `  ${name.padEnd(13)}${description}`);
const program = new Command("bench")
  .description("measures the gateway on this machine, over loopback")
  .addArgument(
    new Argument("[suites...]", "what to measure")
      .choices(NAMES)
      .default(COMPLETE_RUN, `all but ${ONLY_BY_NAME.join(", ")}`),
  )
  .addOption(new Option("--rounds <n>", "how often each contender is measured").default(4).argParser(parseRounds))
  .addOption(new Option("--seconds <s>", "length of one measurement").default(2).argParser(parsePositive))
  .addOption(new Option("--json <file>", "also write every sample and the summary to this file"))
  .addOption(new Option("--chart <file>", "also draw the inbound contenders into this file, as SVG"))
  .addOption(new Option("--log-format <format>", "of the edge's request log").choices(LOG_FORMATS).default("json"))
  .addOption(new Option("--cpu-prof <dir>", "have Node profile edge or egress into this directory"))
  .addHelpText("after", `\nSuites:\n${suites.join("\n")}`)
  .action(run);

// An ordinary exit: what is to be removed then is removed, and children end because their channel closes.
for (const [signal, code] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const]) {
  process.once(signal, () => process.exit(code));
}

try {
  await program.parseAsync();
} catch (failure) {
  process.stderr.write(`bench: error: ${failure instanceof Error ? failure.message : String(failure)}\n`);
  process.exitCode = 1;
}
// Ends children too that a suite may have left: their channel closes.
process.exit();
