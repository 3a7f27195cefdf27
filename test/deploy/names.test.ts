/** What operators copy out of docs and manifests exists: commands, flags, variables, metrics; and the files parse. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { createMetrics } from "../../edge-shim/metrics.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(REPOSITORY, path), "utf8");

function listFiles(folder: string, ending = ""): string[] {
  const names = readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.\w+$/.test(name) && name.endsWith(ending)).map((name) => join(folder, name));
}

const MANIFESTS = listFiles("deploy/kubernetes", ".yaml");
const UNIT = "deploy/systemd/sallyport.service";
/** Put together in cli/api/options.ts */
const TARGETS = ["SALLYPORT_ACCOUNT", "SALLYPORT_PROJECT"];
const FILES = ["docs/operations.md", "Dockerfile", UNIT, ...MANIFESTS];

let program: Command;

/** Made of the same factories as cli/main.ts, which runs when it is loaded. */
beforeAll(async () => {
  program = new Command("sallyport");
  for (const path of listFiles("cli/commands", ".ts")) {
    const module = (await import(join(REPOSITORY, path))) as Record<string, () => Command>;
    for (const [name, create] of Object.entries(module)) if (name.endsWith("Command")) program.addCommand(create());
  }
});

/** As words: of a shell, of a list in YAML or JSON, of a unit. */
function findCommands(path: string): string[][] {
  const text = read(path)
    .replaceAll(/^\s*#.*$/gm, "")
    .replaceAll(/\\\n\s*/g, " ");
  if (path.endsWith(".md")) {
    return [...text.matchAll(/(?:\bsallyport|main\.ts) ([a-z][^`\n|)]*)/g)].map(([, words = ""]) => words.split(/\s+/));
  }
  if (path.endsWith(".service")) {
    return [...text.matchAll(/main\.ts (.*)/g)].map(([, words = ""]) => words.split(/\s+/));
  }
  if (path === "Dockerfile") return [...text.matchAll(/^CMD (\[.*\])/gm)].map(([, list = ""]) => JSON.parse(list));
  return findArguments(parseManifest(path));
}

function findArguments(node: unknown): string[][] {
  if (typeof node !== "object" || node === null) return [];
  const own = (node as { args?: string[] }).args;
  return [...(own === undefined ? [] : [own]), ...Object.values(node).flatMap(findArguments)];
}

/** The wrong word, or undefined. */
function findUnknownWord(words: readonly string[]): string | undefined {
  const path = [program];
  const isVerb = (word: string): boolean => {
    const next = path.at(-1)?.commands.find((one) => one.name() === word);
    if (next !== undefined) path.push(next);
    return next !== undefined;
  };
  const rest = words.filter((word) => !isVerb(word));
  if (path.length === 1) return words[0];
  const flags = path.flatMap(({ options }) => options.flatMap(({ long, short }) => [long, short]));
  return rest.filter((word) => /^--?[a-z]/.test(word)).find((word) => !flags.includes(word.split("=")[0]));
}

function parseManifest(path: string): unknown[] {
  return parseAllDocuments(read(path)).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

describe.each(FILES)("%s", (path) => {
  test("names only commands and flags that there are", () => {
    const commands = findCommands(path);
    for (const words of commands) expect(findUnknownWord(words), words.join(" ")).toBeUndefined();
    if (!path.endsWith("secrets.yaml")) expect(commands.length).toBeGreaterThan(0);
  });

  test("names only variables that the code reads", () => {
    const code = [...listFiles("cli", ".ts"), ...listFiles("edge-shim", ".ts")].map(read).join("\n");
    for (const [name] of read(path).matchAll(/\bSALLYPORT_[A-Z0-9_]+/g)) {
      expect(TARGETS.includes(name) || code.includes(name), name).toBe(true);
    }
  });
});

test("operations.md names only metrics that /metrics has", async () => {
  const metrics = createMetrics();
  metrics.countRequests({} as Parameters<typeof metrics.countRequests>[0]);
  metrics.countEgress({} as Parameters<typeof metrics.countEgress>[0]);
  const source = { status: () => ({ state: "current" as const }) };
  const trust = { onChange() {}, epoch: 1, accounts: () => [] };
  metrics.watchTrust(
    trust as unknown as Parameters<typeof metrics.watchTrust>[0],
    source as unknown as Parameters<typeof metrics.watchTrust>[1],
  );
  const known = new Set([...(await metrics.print()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const named = [...read("docs/operations.md").matchAll(/\b(?:sallyport|nodejs|process)_[a-z0-9_]+/g)].map(
    ([name]) => name,
  );
  expect(named.length).toBeGreaterThan(10);
  for (const name of named) expect(known, name).toContain(name);
});

test("the unit has sections and settings, and stops the edge before its workers", () => {
  const lines = read(UNIT)
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(/^(\[(Unit|Service|Install)\]|[A-Za-z]+=.*)$/);
  expect(lines).toContain("KillMode=mixed");
});

test.each(MANIFESTS)("%s has whole documents, and containers that may do nothing", (path) => {
  for (const document of parseManifest(path)) {
    expect(document).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
    const template = (document as { spec?: { template?: { spec: { containers: object[] } } } }).spec?.template;
    for (const container of template?.spec.containers ?? []) {
      const securityContext = { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false };
      expect(container).toMatchObject({ securityContext, resources: { limits: { memory: expect.any(String) } } });
    }
  }
});
