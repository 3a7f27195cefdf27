/** Writes a new project, after asking what cannot be guessed: on a terminal, and unless told not to. */
import { basename, join, relative, resolve } from "node:path";
import { parseDistinguishedName } from "../../src/x509/distinguished-name.ts";
import { refuse } from "../api/refusal.ts";
import { DEMO_ISSUER } from "../commands/init.ts";
import { askText, isTerminal } from "../login/ask.ts";
import { type OutputFlags, showResult } from "../output/result.ts";
import { assertFree, writeProject } from "./files.ts";
import { createPackageJson } from "./package-json.ts";
import { findPackageSource, toPackageSpec } from "./package-source.ts";

interface InitFlags extends OutputFlags {
  dir?: string;
  name?: string;
  issuer?: string;
  package?: string;
  yes: boolean;
}

/** As wrangler and npm take it: a worker's name is part of a host name */
const NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const NAME_ALLOWED = "a letter, then lower-case letters, digits and inner dashes, 40 at most";
const FALLBACK_NAME = "my-gateway";

/** @throws Refusal for a folder with something in it, and for names that are none */
export async function initializeProject(flags: InitFlags): Promise<void> {
  const isAsked = isTerminal() && !flags.yes;
  const directory = resolve(flags.dir ?? (await chooseDirectory(isAsked)));
  assertFree(directory);
  const ask = (question: string, initial: string, check: (text: string) => string | undefined) =>
    isAsked ? askText(question, initial, check) : initial;
  const name = flags.name ?? (await ask("Name of the project", suggestName(directory), findNameProblem));
  const issuer =
    flags.issuer ?? (await ask("Who issues your clients' certificates (certIssuerDN)", DEMO_ISSUER, findIssuerProblem));
  assertSound("name_invalid", findNameProblem(name), "choose another one with --name");
  assertSound("issuer_invalid", findIssuerProblem(issuer), 'write it like --issuer "CN=acme-ca,O=Acme,C=US"');
  const spec = flags.package === undefined ? findPackageSource(directory) : toPackageSpec(flags.package, directory);
  const files = writeProject(directory, { name, issuer }, { "package.json": createPackageJson(name, spec) });
  showResult(flags, { directory, name, files }, describeNextSteps);
}

async function chooseDirectory(isAsked: boolean): Promise<string> {
  if (isAsked)
    return askText("Folder of the project", FALLBACK_NAME, (text) =>
      text.trim() === "" ? "Give a folder" : undefined,
    );
  throw refuse("directory_missing", "no folder is named", `give one: sallyport init ${FALLBACK_NAME}`);
}

function suggestName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return NAME.test(name) ? name : FALLBACK_NAME;
}

function findNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : `"${name}" is not a name for a project, allowed: ${NAME_ALLOWED}`;
}

function findIssuerProblem(issuer: string): string | undefined {
  const parsed = parseDistinguishedName(issuer);
  return parsed.ok ? undefined : `"${issuer}" is not a distinguished name: ${parsed.reason}`;
}

function assertSound(code: string, problem: string | undefined, hint: string): void {
  if (problem !== undefined) throw refuse(code, problem, hint);
}

function describeNextSteps({ directory, files }: { directory: string; files: readonly string[] }): string {
  const fromHere = relative(process.cwd(), directory);
  const path = fromHere.startsWith("..") ? directory : fromHere;
  const shown = /^[\w@%+=:,./-]*$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  return [
    `${files.length} files in ${directory}. Now:`,
    "",
    ...(path === "" ? [] : [`  cd ${shown}`]),
    "  npm install",
    "  npm test         what the gateway answers, in the Workers runtime",
    "  npm run dev      the gateway on https://localhost:8443, with curl lines to paste",
    "",
    `${join(path, "README.md")} says what is where.`,
  ].join("\n");
}
