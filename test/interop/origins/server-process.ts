/** One server in the foreground: started on a port, waited for until it speaks TLS, and ended by its process id. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:tls";
import { SERVER_ENVIRONMENT } from "./installed.ts";

export interface ServerProcessOptions {
  command: string;
  parameters: string[];
  /** Its working directory, where its output goes as well */
  directory: string;
  /** Where it will listen on 127.0.0.1 */
  port: number;
}

export interface ServerProcess {
  /** Standard output and standard error until now */
  output(): string;
  stop(): Promise<void>;
}

export type StartOutcome = { ok: true; running: ServerProcess } | { ok: false; isPortTaken: boolean; output: string };

const START_TIMEOUT_MS = 20_000;
const LOOK_AGAIN_MS = 20;
/** What a server has to end by itself when asked */
const STOP_TIMEOUT_MS = 5_000;
const PORT_TAKEN = /address already in use|cannot bind socket/i;

export async function startServerProcess({
  command,
  parameters,
  directory,
  port,
}: ServerProcessOptions): Promise<StartOutcome> {
  // A file, since Apache opens /dev/stderr, and Node's pipes cannot be opened.
  const outputFile = join(directory, "output.log");
  const output = () => readFileSync(outputFile, "utf8");
  const descriptor = openSync(outputFile, "a");
  // Ends it when this process does, however that comes about; setpriv becomes the program, with the same process id.
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", command, ...parameters], {
    cwd: directory,
    env: SERVER_ENVIRONMENT,
    stdio: ["ignore", descriptor, descriptor],
  });
  closeSync(descriptor);
  const ended = once(child, "close").then(
    () => {},
    () => {},
  );
  const stop = () => stopChild(child, ended);
  const isUp = await waitUntilItAnswers(port, ended);
  if (isUp && !PORT_TAKEN.test(output())) return { ok: true, running: { output, stop } };
  await stop();
  return { ok: false, isPortTaken: PORT_TAKEN.test(output()), output: output() };
}

async function waitUntilItAnswers(port: number, ended: Promise<void>): Promise<boolean> {
  const hasEnded = ended.then(() => true);
  for (const deadline = performance.now() + START_TIMEOUT_MS; performance.now() < deadline; ) {
    if (await answers(port)) return true;
    if (await Promise.race([hasEnded, delay(LOOK_AGAIN_MS, false)])) return false;
  }
  return false;
}

/** A handshake, or an alert that ends it: we present no certificate. That a port accepts says nothing about Apache. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code?.startsWith("ERR_SSL_") === true));
    socket.once("secureConnect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
