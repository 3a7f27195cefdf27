/** A server that is installed on the machine (nginx, HAProxy), run in the foreground until it is told to end. */
import { spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { readChildPids } from "./child-pids.ts";

export interface ForegroundServer {
  /** The process and those that it started; only itself where the system does not tell */
  pids: number[];
  stop(): Promise<void>;
}

/** Debian puts servers where only root looks. */
const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin` };
const START_TIMEOUT_MS = 5_000;
const LOOK_AGAIN_MS = 20;

/** What `pattern` finds in what `command` prints with `flag`; undefined where it is not installed. */
export function findVersion(command: string, flag: string, pattern: RegExp): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, [flag], { env: ENVIRONMENT, encoding: "utf8" });
  return status === 0 ? pattern.exec(`${stdout}${stderr}`)?.[0] : undefined;
}

/**
 * @param port where it listens: it is ready when it answers there
 * @throws Error when it does not come up; it says why itself, on standard error
 */
export async function startForegroundServer(
  command: string,
  parameters: string[],
  port: number,
): Promise<ForegroundServer> {
  const child = spawn(command, parameters, { env: ENVIRONMENT, stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("error", () => resolve()).once("exit", () => resolve()));
  const hasEnded = ended.then(() => true);
  for (const deadline = performance.now() + START_TIMEOUT_MS; !(await answers(port)); ) {
    const isLost = await Promise.race([hasEnded, delay(LOOK_AGAIN_MS, performance.now() > deadline)]);
    if (!isLost) continue;
    child.kill("SIGKILL");
    throw new Error(`${command} does not listen on port ${port}`);
  }
  const pid = child.pid ?? 0;
  return {
    pids: [pid, ...readChildPids(pid)],
    stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
