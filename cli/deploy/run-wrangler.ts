/** Wrangler as a program: for what it has a command, it is what changes things at Cloudflare. */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { WRANGLER, WRANGLER_ENVIRONMENT } from "../../edge-shim/workers/wrangler-dev.ts";
import { toPrintable } from "../output/printable.ts";
import { startProgress } from "../output/progress.ts";
import { CliError } from "../output.ts";
import { hintFor } from "./cloudflare-error.ts";

const SHOWN_CHARACTERS = 2_000;

/**
 * Runs it in `cwd`, with the account's variables from the environment; arguments are seen by everybody on the machine, so
 * keys and tokens are never among them.
 *
 * @returns what it printed. @throws CliError with what wrangler said
 */
export async function runWrangler(parameters: readonly string[], cwd: string, accountId: string): Promise<string> {
  const command = `wrangler ${parameters.filter((part) => !part.startsWith("-")).join(" ")}`;
  using _progress = startProgress(command);
  const env = { ...process.env, ...WRANGLER_ENVIRONMENT, CLOUDFLARE_ACCOUNT_ID: accountId, FORCE_COLOR: "0" };
  const child = spawn(process.execPath, ["--no-warnings", WRANGLER, ...parameters], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const said = stripVTControlCharacters(output);
  if (code !== 0) throw explain(command, said);
  return said;
}

/** Wrangler tells codes and no status. Those of a token that may not, and of too many requests: */
const STATUS_OF_CODE: Readonly<Record<string, number>> = { 10000: 403, 9109: 403, 10001: 403, 971: 429 };
/** What stands around wrangler's message */
const DECORATION = /^(?:[\u2500-\u257f]|\p{Extended_Pictographic})|Logs were written|create an issue|newer version/u;

/** Its message, with `… [code: 1000]` on lines below where Cloudflare's API gave a reason */
function explain(command: string, said: string): CliError {
  const lines = said.split("\n").map((line) => line.trim());
  const reasons = lines.filter((line) => /\[code: \d+\]$/.test(line));
  const code = /\[code: (\d+)\]$/.exec(reasons[0] ?? "")?.[1] ?? "";
  const shown = reasons.length > 0 ? reasons : lines.filter((line) => line !== "" && !DECORATION.test(line));
  return new CliError(
    toPrintable(`${command} failed: ${shown.join("; ").slice(-SHOWN_CHARACTERS)}`),
    hintFor(STATUS_OF_CODE[code], null),
  );
}
