/** openssl and curl as clients: what no library of ours has a hand in. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOST, type TestEdge } from "./edge.ts";

export interface CommandResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs to its end. `input` goes to stdin, which stays open until `endWhen` matches stdout, where that is given. */
export function run(command: string, args: string[], input = "", endWhen?: RegExp): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args);
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("latin1").on("data", (chunk: string) => {
      stdout += chunk;
      if (endWhen?.test(stdout)) child.stdin.end();
    });
    child.stderr.setEncoding("latin1").on("data", (chunk: string) => {
      stderr += chunk;
    });
    child.stdin.on("error", () => {});
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
    if (endWhen === undefined) child.stdin.end(input);
    else child.stdin.write(input);
  });
}

export interface WorkFolder extends AsyncDisposable {
  /** Writes a file and gives its path. */
  write(name: string, content: string): Promise<string>;
  path(name: string): string;
}

export async function createWorkFolder(): Promise<WorkFolder> {
  const directory = await mkdtemp(join(tmpdir(), "sallyport-edge-"));
  const path = (name: string) => join(directory, name);
  return {
    path,
    async write(name, content) {
      await writeFile(path(name), content);
      return path(name);
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** `openssl s_client` connected to the edge; the server's certificate must verify. */
export function opensslClient(
  edge: TestEdge,
  folder: WorkFolder,
  args: string[],
  request: { input: string; endWhen?: RegExp },
): Promise<CommandResult> {
  const connection = ["-connect", `127.0.0.1:${edge.port}`, "-CAfile", folder.path("edge-ca.pem")];
  return folder
    .write("edge-ca.pem", edge.edgeCaPem)
    .then(() => run("openssl", ["s_client", ...connection, ...args], request.input, request.endWhen));
}

export async function curl(
  edge: TestEdge,
  folder: WorkFolder,
  args: string[],
  hostname = HOST,
): Promise<CommandResult> {
  const ca = await folder.write("edge-ca.pem", edge.edgeCaPem);
  const connection = ["--resolve", `${hostname}:${edge.port}:127.0.0.1`, "--cacert", ca];
  return run("curl", ["--silent", "--show-error", ...connection, ...args, `https://${hostname}:${edge.port}/`]);
}
