/**
 * The shell of one page: commands run in it one after the other, as somebody types them, and what they set stays. What goes on
 * until somebody ends it is started as in a second terminal in the same folder.
 *
 * Pages name the default ports. Where the system lets us have a network of our own (`unshare`), each page has all ports for
 * itself, and npm what is in its cache; else pages use this machine's, and say so when one of them is taken.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cleanEnvironment } from "../package/workshop.ts";
import { END_TIMEOUT_MS, endProcesses, findMarked } from "./processes.ts";
import { waitUntil } from "./wait-until.ts";

const COMMAND_TIMEOUT_MS = 150_000;
/** What `dev`, `serve` and the pages' own commands listen on */
const PORTS = [8443, 8444, 8445, 8787, 9464];
const OWN_NETWORK = ["unshare", "--map-root-user", "--net"];
/** Background jobs are process groups of their own, as in a terminal, and end with the shell however it ends. */
const PROLOGUE = `set -m; trap 'for job in $(jobs -p); do kill -INT -- "-$job"; done 2>/dev/null' EXIT`;

export interface Outcome {
  code: number;
  /** Standard output and standard error, as they came */
  output: string;
}

export interface BackgroundJob {
  readonly group: number;
  readonly command: string;
  output(): string;
  /** Undefined while it runs */
  exitCode(): number | undefined;
}

export interface Shell {
  /** The folder that it is in now */
  readonly cwd: string;
  run(command: string): Promise<Outcome>;
  start(command: string): Promise<BackgroundJob>;
  /** Ctrl-C for everything started whose command has this text in it; resolves when it has ended. */
  interrupt(text: string): Promise<void>;
  /** Ends everything. Resolves to the command lines of processes that did not end when asked, and were killed. */
  close(timeoutMs?: number): Promise<string[]>;
}

let ownNetwork: boolean | undefined;

/** Whether pages have a network of their own here. */
export function hasOwnNetwork(): boolean {
  const [command = "", ...parameters] = OWN_NETWORK;
  ownNetwork ??= spawnSync(command, [...parameters, "ip", "link", "set", "lo", "up"]).status === 0;
  return ownNetwork;
}

/** @param scratch a folder for what the shell itself writes, which the page does not see */
export async function openShell(cwd: string, scratch: string, variables: Record<string, string>): Promise<Shell> {
  mkdirSync(scratch, { recursive: true });
  if (!hasOwnNetwork()) await assertPortsFree();
  const mark = randomUUID();
  const [command = "bash", ...parameters] = [...(hasOwnNetwork() ? OWN_NETWORK : []), "bash"];
  const child = spawn(command, parameters, {
    cwd,
    env: {
      ...cleanEnvironment(),
      ...(hasOwnNetwork() && { npm_config_offline: "true" }),
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_prefer_offline: "true",
      npm_config_update_notifier: "false",
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      ...variables,
      DOCS_PAGE: mark,
    },
    // Of the shell itself: which job ended when
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const shell = createShell(child, cwd, scratch, mark);
  await shell.run(`${PROLOGUE}${hasOwnNetwork() ? "; ip link set lo up" : ""}`);
  return shell;
}

function createShell(child: ChildProcess, cwd: string, scratch: string, mark: string): Shell {
  const answers = createAnswers(child);
  const jobs: BackgroundJob[] = [];
  let folder = cwd;
  let count = 0;

  /** Commands are read from files, so that no quoting of ours changes them. */
  function prepare(command: string): string {
    count += 1;
    const path = join(scratch, `${count}`);
    writeFileSync(path, `${command}\n`);
    return path;
  }

  return {
    get cwd() {
      return folder;
    },
    async run(command) {
      const path = prepare(command);
      child.stdin?.write(`. '${path}' >'${path}.out' 2>&1 </dev/null; echo "$? $PWD"\n`);
      const [, code = "", path_ = folder] = /^(\d+) (.*)$/.exec(await answers.next(command)) ?? [];
      folder = path_;
      return { code: Number(code), output: readFileSync(`${path}.out`, "utf8") };
    },
    async start(command) {
      const path = prepare(command);
      writeFileSync(`${path}.out`, "");
      child.stdin?.write(`( . '${path}'; echo $? >'${path}.code' ) >'${path}.out' 2>&1 </dev/null & echo $!\n`);
      const group = Number(await answers.next(command));
      const exitCode = () => (existsSync(`${path}.code`) ? Number(readFileSync(`${path}.code`, "utf8")) : undefined);
      const job = { group, command, exitCode, output: () => readFileSync(`${path}.out`, "utf8") };
      jobs.push(job);
      return job;
    },
    async interrupt(text) {
      const meant = jobs.filter(({ command, exitCode }) => command.includes(text) && exitCode() === undefined);
      if (meant.length === 0) throw new Error(`nothing that runs is called "${text}"`);
      for (const { group } of meant) interrupt(group);
      const areOver = () => (meant.every(({ group }) => !isAlive(group)) ? true : undefined);
      if (!(await waitUntil(areOver, END_TIMEOUT_MS))) throw new Error(`"${text}" did not end at Ctrl-C`);
    },
    async close(timeoutMs = END_TIMEOUT_MS) {
      for (const { group } of jobs.toReversed()) interrupt(group);
      child.stdin?.end();
      return endProcesses(() => findMarked(`DOCS_PAGE=${mark}`), timeoutMs);
    },
  };
}

/** What the shell itself says, a line a command. */
function createAnswers(child: ChildProcess): { next(command: string): Promise<string> } {
  const waiting: ((line: string) => void)[] = [];
  if (child.stdout) createInterface(child.stdout).on("line", (line) => waiting.shift()?.(line));
  return {
    next(command) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const fail = (problem: string) => reject(new Error(`${problem}: ${command}`));
      const timer = setTimeout(() => fail("did not end"), COMMAND_TIMEOUT_MS);
      const onExit = () => fail("ended the shell");
      child.once("exit", onExit);
      waiting.push((line) => {
        clearTimeout(timer);
        child.off("exit", onExit);
        resolve(line);
      });
      return promise;
    },
  };
}

function isAlive(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

/** As Ctrl-C does. */
function interrupt(group: number): void {
  try {
    process.kill(-group, "SIGINT");
  } catch {
    // It ended before.
  }
}

async function assertPortsFree(): Promise<void> {
  for (const port of PORTS) {
    const server = createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", () => reject(new Error(`the pages need port ${port} of this machine, which is in use`)));
    server.listen(port, "127.0.0.1", resolve);
    await promise;
    await new Promise((closed) => server.close(closed));
  }
}
