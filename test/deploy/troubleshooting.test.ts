/**
 * docs/troubleshooting.md explains every code, reason and event that the code has, and none that it has not. Where one is
 * missing or has gone, the failure names it.
 */
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { LIMIT_NAMES } from "../../edge-shim/ingress/limits.ts";
import { EGRESS_FAILURE_CODES } from "../../src/contract/egress.ts";
import { PROBLEMS } from "../../src/contract/problem.ts";
import { alertNumbers, CATALOGUES, edgeEvents, workerMessages } from "./troubleshooting-catalogues.ts";
import { collectAlbAlerts, collectHandshakeCodes, collectVerdictReasons } from "./troubleshooting-openssl.ts";
import { PAGE, pageTables, parseTables, rowsBelow } from "./troubleshooting-page.ts";
import {
  ANY_TEXT,
  findNumbers,
  findTextsBelow,
  listModules,
  REPOSITORY,
  readSource,
} from "./troubleshooting-sources.ts";

/** Those that OpenSSL has to be asked for */
const VERDICTS = "Verdicts on the certificate";
const HANDSHAKES = "Codes of handshakes";

const page = readSource(PAGE);

function compare(heading: string, expected: readonly string[]) {
  const terms = rowsBelow(heading).flatMap((row) => row.terms);
  const known = new Set(expected);
  return {
    missing: [...known].filter((text) => !terms.includes(text)),
    gone: terms.filter((term) => !known.has(term)),
    twice: terms.filter((term, index) => terms.indexOf(term) !== index),
  };
}

/** Whether `term` is `text` with anything put in. */
function isSaidBy(text: string, term: string): boolean {
  const parts = text.split(ANY_TEXT).map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(term);
}

const NOTHING = { missing: [], gone: [], twice: [] };

describe("each is explained once, and nothing that is not there", () => {
  it.each(Object.entries(CATALOGUES))("%s", async (heading, collect) => {
    const expected = await collect();
    expect(expected.length).toBeGreaterThan(0);
    expect(compare(heading, expected)).toEqual(NOTHING);
  });

  it(VERDICTS, async () => {
    expect(compare(VERDICTS, await collectVerdictReasons())).toEqual(NOTHING);
  });

  it(HANDSHAKES, async () => {
    expect(compare(HANDSHAKES, await collectHandshakeCodes())).toEqual(NOTHING);
  });

  it("no module gives a reason that no catalogue has", () => {
    const terms = pageTables().flatMap(({ rows }) => rows.flatMap((row) => row.terms));
    const folders = ["src/policies", "src/handlers", "src/runtime", "edge-shim/egress"];
    const given = folders.flatMap((folder) => findTextsBelow(folder, [{ property: "reason" }]));
    expect(given.length).toBeGreaterThan(10);
    expect(given.filter((text) => !terms.some((term) => isSaidBy(text, term)))).toEqual([]);
  });

  it("no table is left out", () => {
    const checked = [...Object.keys(CATALOGUES), VERDICTS, HANDSHAKES];
    const others = pageTables().filter(({ headings }) => !headings.some((heading) => checked.includes(heading)));
    expect(others.map(({ headings }) => headings.join(" / "))).toEqual([]);
  });
});

describe("what stands beside a code", () => {
  const statusOf = (heading: string) =>
    rowsBelow(heading).flatMap(({ terms, cells }) => terms.map((term) => [term, Number(cells[1])]));

  it("is the status of the answer", () => {
    const statuses = Object.entries(PROBLEMS).map(([code, { status }]) => [code, status] as const);
    expect(Object.fromEntries(statusOf("Answers to clients"))).toEqual(Object.fromEntries(statuses));
    const origins = EGRESS_FAILURE_CODES.map((code) => [code, PROBLEMS[code].status]);
    expect(Object.fromEntries(statusOf("Codes of origins"))).toEqual(Object.fromEntries(origins));
  });

  it("is the status of the control plane", () => {
    const statuses = findNumbers("src/control/problem.ts", "PROBLEMS");
    expect(Object.fromEntries(statusOf("Codes of the control plane"))).toEqual(statuses);
  });

  it("is the number of the alert", () => {
    expect(Object.fromEntries(statusOf("TLS alerts"))).toEqual(alertNumbers());
  });

  it("is the alert of an ALB's reason", async () => {
    const alerts = await collectAlbAlerts();
    for (const { terms, cells } of rowsBelow("What an ALB says")) {
      for (const term of terms) expect([term, cells[1]?.split("`")[1]]).toEqual([term, alerts.get(term)]);
    }
  });

  it.each([
    ["Events of the edge", edgeEvents],
    ["Messages of the worker", workerMessages],
  ])("is the level: %s", (heading, collect) => {
    const levels = new Map(collect().map(({ event, level }) => [event, level]));
    for (const { terms, cells } of rowsBelow(heading)) {
      for (const term of terms) expect([term, cells[1]]).toEqual([term, levels.get(term)]);
    }
  });
});

describe("what is copied from the page", () => {
  it("names commands and flags that there are", async () => {
    const program = await loadProgram();
    const spans = [...page.matchAll(/(?:`|\$ )(sallyport [^`\n]*)/g)].map(([, text = ""]) => text);
    expect(spans.length).toBeGreaterThan(20);
    expect(spans.filter((text) => !isCommand(program, text))).toEqual([]);
  });

  it("names variables and metrics that the code has", () => {
    const code = ["cli", "edge-shim", "src"].flatMap(listModules).map(readSource).join("\n");
    const names = [...page.matchAll(/\b(?:SALLYPORT_[A-Z_]+[A-Z]|sallyport_[a-z_]+[a-z])/g)].map(([name]) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !code.includes(name))).toEqual([]);
  });

  it("names limits that there are", () => {
    const names = [...page.matchAll(/--limit (\w+)/g)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !LIMIT_NAMES.some((known) => known === name))).toEqual([]);
  });

  it("leads to headings that there are", () => {
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => toAnchor(title));
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = ""]) => anchor);
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((link) => !anchors.includes(link))).toEqual([]);
  });
});

/** As GitHub makes them. */
function toAnchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

async function loadProgram(): Promise<Command> {
  const program = new Command("sallyport");
  for (const file of listModules("cli/commands")) {
    const module = (await import(join(REPOSITORY, file))) as Record<string, () => Command>;
    for (const [name, create] of Object.entries(module)) if (name.endsWith("Command")) program.addCommand(create());
  }
  return program;
}

function isCommand(program: Command, text: string): boolean {
  const [, ...words] = text.split(/[;\s]+/);
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  const flags = command.options.flatMap(({ long, short }) => [long, short]);
  const isWhole = command.commands.length === 0 || words.length === 1;
  return (
    command !== program &&
    isWhole &&
    words.filter((word) => /^--?[a-z]/.test(word)).every((word) => flags.includes(word))
  );
}

describe("tables", () => {
  it("are read with their headings, code left out", () => {
    const text =
      "## One\n### Two\n| a | b |\n| --- | --- |\n| `x` `y` | `z` \\| 1 |\n```\n| --- |\n| `no` |\n```\n## Three\n| - |";
    expect(parseTables(text)).toEqual([
      { headings: ["One", "Two"], rows: [{ terms: ["x", "y"], cells: ["`x` `y`", "`z` \\| 1"] }] },
      { headings: ["Three"], rows: [] },
    ]);
  });

  it("have a term in each row", () => {
    expect(() => parseTables("| a |\n| --- |\n| plain |")).toThrow("explains nothing");
  });
});
