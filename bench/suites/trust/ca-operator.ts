/** Whoever creates and deletes a CA certificate: through the API, as the CLI does it, or through the CLI itself. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { monotonicMs } from "../../measurement/monotonic.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface CaOperator {
  create(): Promise<Done & { id: string }>;
  remove(id: string): Promise<Done>;
}

export interface Done {
  /** When the operator had the answer, {@link monotonicMs} */
  answeredMs: number;
  /** How long the operation took, seen from the operator */
  tookMs: number;
}

export interface OperatedCa {
  account: string;
  name: string;
  certificatePem: string;
}

const createdSchema = z.object({ id: z.string() });

export function createApiOperator(control: ControlPlane, ca: OperatedCa): CaOperator {
  const path = `/v1/accounts/${ca.account}/ca-certificates`;
  return {
    async create() {
      const { body, askedMs, answeredMs } = await control.call("POST", path, {
        name: ca.name,
        certificate: ca.certificatePem,
      });
      return { id: createdSchema.parse(body).id, answeredMs, tookMs: answeredMs - askedMs };
    },
    async remove(id) {
      const { askedMs, answeredMs } = await control.call("DELETE", `${path}/${id}`);
      return { answeredMs, tookMs: answeredMs - askedMs };
    },
  };
}

const CLI = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/** @param directory empty, so that nothing but the flags says which control plane it is */
export function createCliOperator(
  control: ControlPlane,
  ca: OperatedCa,
  directory: string,
  caPath: string,
): CaOperator {
  const run = (...verb: string[]) =>
    runCli(directory, control.adminKey, [
      "ca-certificate",
      ...verb,
      ...["--account", ca.account, "--api-url", control.url],
      ...["--state-dir", join(directory, "none"), "--output", "json"],
    ]);
  return {
    async create() {
      const { stdout, ...done } = await run("create", "--name", ca.name, "--cert", caPath);
      return { id: createdSchema.parse(JSON.parse(stdout)).id, ...done };
    },
    async remove(id) {
      const { stdout: _, ...done } = await run("delete", "--cert-id", id);
      return done;
    },
  };
}

/** The answer is the first thing that it prints. */
function runCli(directory: string, apiKey: string, parameters: string[]): Promise<Done & { stdout: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<Done & { stdout: string }>();
  const startedMs = monotonicMs();
  const child = spawn(process.execPath, ["--no-warnings", CLI, ...parameters], {
    cwd: directory,
    env: { ...process.env, SALLYPORT_API_KEY: apiKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let answeredMs: number | undefined;
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      answeredMs ??= monotonicMs();
      output[name] += text;
    });
  }
  child.once("error", reject);
  child.once("close", (code) => {
    const doneMs = answeredMs ?? monotonicMs();
    if (code === 0) resolve({ stdout: output.stdout, answeredMs: doneMs, tookMs: doneMs - startedMs });
    else reject(new Error(`"sallyport ${parameters.slice(0, 2).join(" ")}" failed: ${output.stderr}${output.stdout}`));
  });
  return promise;
}
