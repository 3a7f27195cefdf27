/** Each page of pages.ts, followed to the letter by a reader with the package and a shell. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { REPOSITORY, succeed } from "../package/workshop.ts";
import { PageFollower } from "./follow-page.ts";
import { readSteps, type Step } from "./markdown.ts";
import { PAGES, type Page } from "./pages.ts";
import { openShell, type Shell } from "./shell.ts";

const workshop = inject("workshop");

/** What commands leave behind in a checkout */
const NOT_CHECKED_OUT = [".git", "node_modules", "dist", ".build", ".sallyport", ".wrangler"];

describe.each(PAGES)("$path", (page) => {
  const steps = readSteps(readFileSync(join(REPOSITORY, page.path), "utf8"), page.until);
  let shell: Shell | undefined;
  let follower: PageFollower;
  let isBroken = false;

  beforeAll(async () => {
    const folder = join(workshop, "pages", basename(page.path, ".md"));
    await prepareFolder(folder, page);
    shell = await openShell(folder, `${folder}.shell`, {
      HOME: `${folder}.home`,
      npm_config_cache: inject("npmCache"),
    });
    const fill = (text: string) =>
      text
        .replaceAll("<folder>", folder)
        .replaceAll("<workshop>", workshop)
        .replaceAll("<repository>", REPOSITORY.replace(/\/$/, ""))
        .replaceAll("<node>", process.execPath);
    const placeholders = Object.entries(page.placeholders ?? {}).map(([text, value]) => [text, fill(value)] as const);
    follower = new PageFollower(shell, new Map(placeholders));
    const before = (page.before ?? []).map((text) => ({ line: 0, text: fill(text), shown: "" }));
    await follower.follow({ kind: "commands", line: 0, commands: before });
  });

  afterAll(async () => {
    expect(await shell?.close(), "processes that did not end when asked").toEqual([]);
  });

  it("has something to do", () => {
    expect(steps.filter(({ kind }) => kind === "commands").length).toBeGreaterThan(0);
  });

  it.for(steps.map((step) => ({ step, title: describeStep(step) })))("$title", async ({ step }, { skip }) => {
    if (isBroken) skip("a step before it failed");
    isBroken = true;
    await follower.follow(step);
    isBroken = false;
  });

  it("has every text that pages.ts replaces", ({ skip }) => {
    if (isBroken) skip("a step before it failed");
    expect(follower.unusedPlaceholders()).toEqual([]);
  });
});

async function prepareFolder(folder: string, { start = "empty" }: Page): Promise<void> {
  mkdirSync(folder, { recursive: true });
  mkdirSync(`${folder}.home`, { recursive: true });
  // As on a terminal, where curl shows no progress.
  writeFileSync(`${folder}.home/.curlrc`, "silent\nshow-error\n");
  if (start === "project") await succeed(workshop, "cp", "-al", "app/.", folder);
  if (start === "checkout") {
    cpSync(REPOSITORY, folder, { recursive: true, filter: (path) => !NOT_CHECKED_OUT.includes(basename(path)) });
  }
}

function describeStep(step: Step): string {
  const line = `line ${step.line}`;
  switch (step.kind) {
    case "commands":
      return `${line}: $ ${step.commands[0]?.text.split("\n")[0]}`;
    case "file":
      return `${line}: writes ${step.path}`;
    case "not-run":
      return `${line}: not run, ${step.reason}`;
    case "unknown":
      return `${line}: ${step.problem}`;
  }
}
