/** Does what a page says, step after step, and compares what comes with what it shows. */
import { writeFiles } from "../package/workshop.ts";
import type { Command, Step } from "./markdown.ts";
import type { BackgroundJob, Shell } from "./shell.ts";
import { isAsShown, showsFailure } from "./shown-output.ts";
import { waitUntil } from "./wait-until.ts";

const READY_TIMEOUT_MS = 150_000;
/** A change of trust or of a module takes effect in a moment: a reader asks again. */
const ASK_AGAIN_MS = 20_000;
const SHOWN_CHARACTERS = 6_000;

/** What runs until somebody ends it, and what it says, or which port answers, when it is ready. */
const LONG_RUNNING: readonly { command: RegExp; ready: RegExp | "socket" }[] = [
  {
    command: /^(?:sallyport (?:dev|serve)\b(?!.* --(?:once|help))|npm (?:start|run dev|run serve)\b)/,
    ready: /is ready/,
  },
  { command: /^sallyport edge\b/, ready: /sallyport edge on / },
  { command: /^sallyport control(?! (?:backup|restore)\b)/, ready: /sallyport control plane on / },
  { command: /^workerd serve\b.*http=127\.0\.0\.1:(\d+)/, ready: "socket" },
  { command: /^openssl s_server\b.* -accept 127\.0\.0\.1:(\d+)/, ready: "socket" },
  { command: /^wrangler dev\b|^\S+ \S+\/cloudflare-process\.ts\b/, ready: /Ready on / },
];

/** The last of several, without variables and npx before it. */
function findProgram(text: string): string {
  const last = text.split("&& ").at(-1) ?? "";
  return last.replace(/^(?:\w+=(?:"[^"]*"|\S*)\s+)*(?:npx )?/, "");
}

export class PageFollower {
  readonly #shell: Shell;
  readonly #placeholders: ReadonlyMap<string, string>;
  readonly #unused: Set<string>;
  /** Everything that was printed, for identifiers that a reader copies from there */
  #printed = "";

  /** @param placeholders what a reader writes in place of a text of the page */
  constructor(shell: Shell, placeholders: ReadonlyMap<string, string>) {
    this.#shell = shell;
    this.#placeholders = placeholders;
    this.#unused = new Set(placeholders.keys());
  }

  /** Placeholders that the page no longer has. */
  unusedPlaceholders(): string[] {
    return [...this.#unused];
  }

  /** @throws Error that says what the page shows and what came */
  async follow(step: Step): Promise<void> {
    switch (step.kind) {
      case "not-run":
        return;
      case "unknown":
        throw new Error(`line ${step.line}: ${step.problem}; mark it with <!-- not run: reason --> if that is meant`);
      case "file":
        return writeFiles(this.#shell.cwd, { [step.path]: this.#fillIn(step.content) });
      case "commands":
        if (step.ends !== undefined) await this.#shell.interrupt(step.ends);
        for (const command of step.commands) await this.#type({ ...command, shown: this.#replace(command.shown) });
    }
  }

  async #type(command: Command): Promise<void> {
    const text = this.#fillIn(command.text);
    const longRunning = LONG_RUNNING.find((one) => one.command.test(findProgram(text)));
    if (longRunning === undefined) return this.#runToTheEnd(command, text);
    const job = await this.#shell.start(text);
    const isReady = async () => {
      if (job.exitCode() !== undefined) return false;
      const answers = longRunning.ready === "socket" ? await this.#answers(text) : longRunning.ready.test(job.output());
      return answers && (command.shown === "" || isAsShown(job.output(), `${command.shown}…`)) ? true : undefined;
    };
    if ((await waitUntil(isReady, READY_TIMEOUT_MS)) !== true) throw explain(command, text, describeJob(job));
    this.#printed += job.output();
  }

  async #answers(text: string): Promise<boolean> {
    const port = LONG_RUNNING.map(({ command }) => command.exec(findProgram(text))?.[1]).find(
      (found) => found !== undefined,
    );
    return (await this.#shell.run(`(exec 3<>/dev/tcp/127.0.0.1/${port})`)).code === 0;
  }

  async #runToTheEnd(command: Command, text: string): Promise<void> {
    const isAskedAgain = /^curl\b/.test(text) && !/\s(?:-X|-d|--data\S*)\s/.test(text);
    let problem: string | undefined;
    await waitUntil(
      async () => {
        const { code, output } = await this.#shell.run(text);
        this.#printed += output;
        problem = findProblem(command, code, output);
        return problem === undefined ? true : undefined;
      },
      isAskedAgain ? ASK_AGAIN_MS : -1,
    );
    if (problem !== undefined) throw explain(command, text, problem);
  }

  #replace(text: string): string {
    let replaced = text;
    for (const [placeholder, value] of this.#placeholders) {
      if (replaced.includes(placeholder)) this.#unused.delete(placeholder);
      replaced = replaced.replaceAll(placeholder, value);
    }
    return replaced;
  }

  /** `mtlsca_…` is the last identifier of that kind that was printed: what a reader copies. */
  #fillIn(text: string): string {
    return this.#replace(text).replaceAll(/\b((?:mtlsca|cert|oca|cdm)_)…/g, (whole, prefix: string) => {
      const printed = [...this.#printed.matchAll(new RegExp(`\\b${prefix}[0-9a-f]{12,}`, "g"))];
      return printed.at(-1)?.[0] ?? whole;
    });
  }
}

function findProblem({ shown }: Command, code: number, output: string): string | undefined {
  const isFailureShown = showsFailure(shown);
  if (code !== 0 && !isFailureShown) return `ended with ${code}: ${output.slice(-SHOWN_CHARACTERS)}`;
  if (shown === "" || isAsShown(output, shown)) return undefined;
  return `the page shows\n${shown}\nand what came is\n${output.slice(-SHOWN_CHARACTERS)}`;
}

function describeJob(job: BackgroundJob): string {
  const state = job.exitCode() === undefined ? "did not become ready" : `ended with ${job.exitCode()}`;
  return `${state}: ${job.output().slice(-SHOWN_CHARACTERS)}`;
}

function explain(command: Command, text: string, problem: string): Error {
  return new Error(`line ${command.line}: $ ${text}\n${problem}`);
}
