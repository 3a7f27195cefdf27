/** The files of a new project: those of template/, with what was asked for put in. Nothing that is there is overwritten. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { refuse } from "../api/refusal.ts";

const TEMPLATE = fileURLToPath(new URL("./template/", import.meta.url));
/** npm takes files of these names for its own, or leaves them out of a package */
const WRITTEN_AS: Readonly<Record<string, string>> = {
  gitignore: ".gitignore",
  "dev.vars.example": ".dev.vars.example",
};
/** What may be in a folder that still is empty */
const HARMLESS: ReadonlySet<string> = new Set([
  ".git",
  ".gitattributes",
  ".DS_Store",
  ".editorconfig",
  ".idea",
  ".vscode",
  "LICENSE",
]);
const SHOWN_NAMES = 3;

/** What stands in braces in the template. */
export interface TemplateValues {
  name: string;
  issuer: string;
}

/** @throws Refusal for a directory that has files of somebody's */
export function assertFree(directory: string): void {
  const found = listNames(directory).filter((name) => !HARMLESS.has(name));
  if (found.length === 0) return;
  const shown = found.slice(0, SHOWN_NAMES).join(", ") + (found.length > SHOWN_NAMES ? ", …" : "");
  throw refuse("directory_not_empty", `"${directory}" is not empty, found ${shown}`, "name a folder that is new");
}

function listNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw refuse("directory_unusable", `"${directory}" cannot be used: ${message}`, "name a folder that is new");
  }
}

/** Returns the paths in the project, sorted. @param generated content by path, beside the template's */
export function writeProject(
  directory: string,
  values: TemplateValues,
  generated: Readonly<Record<string, string>>,
): string[] {
  const files = { ...readTemplate(values), ...generated };
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { flag: "wx" });
  }
  return Object.keys(files).sort();
}

function readTemplate(values: TemplateValues): Record<string, string> {
  const entries = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const folder = parentPath.slice(TEMPLATE.length);
      const text = readFileSync(join(parentPath, name), "utf8");
      return [join(folder, WRITTEN_AS[name] ?? name), fillIn(text, values, name.endsWith(".md"))];
    }),
  );
}

/** Outside of prose the values stand in strings of JSON, TOML and TypeScript, which escape alike. */
function fillIn(text: string, values: TemplateValues, isProse: boolean): string {
  return text.replaceAll(/\{\{(name|issuer)\}\}/g, (_, key: keyof TemplateValues) => {
    return isProse ? values[key] : JSON.stringify(values[key]).slice(1, -1);
  });
}
