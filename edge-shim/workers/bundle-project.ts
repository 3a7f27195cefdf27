/**
 * A project as wrangler would deploy it: one module, made by `wrangler deploy --dry-run`, so that what is served here is
 * what would be served on Cloudflare. Its `[build]` command runs, and a project that does not build makes none.
 */
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { WRANGLER, WRANGLER_ENVIRONMENT } from "./wrangler-dev.ts";

const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;
const OUTPUT_SHOWN_CHARACTERS = 4_000;

/** The path of the module, in `outDir`. @throws Error with what wrangler said */
export async function bundleProject(projectDir: string, configPath: string, outDir: string): Promise<string> {
  const parameters = ["deploy", "--dry-run", `--config=${configPath}`, `--outdir=${outDir}`];
  await run([WRANGLER, ...parameters], projectDir);
  const script = readdirSync(outDir).find((name) => name.endsWith(".js"));
  if (script === undefined) throw new Error(`wrangler left no module in "${outDir}"`);
  return join(outDir, script);
}

function run(parameters: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...WRANGLER_ENVIRONMENT, ...process.env };
    execFile(
      process.execPath,
      ["--no-warnings", ...parameters],
      { cwd, env, maxBuffer: OUTPUT_MAX_BYTES },
      (error, stdout, stderr) => {
        if (error === null) resolve();
        else
          reject(
            new Error(`wrangler could not bundle the project: ${`${stderr}${stdout}`.slice(-OUTPUT_SHOWN_CHARACTERS)}`),
          );
      },
    );
  });
}
