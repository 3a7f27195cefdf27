/** The reader of pages, on pages that are right and on pages that are wrong: it has to see the difference. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createWorkshop } from "../package/workshop.ts";
import { PageFollower } from "./follow-page.ts";
import { readSteps } from "./markdown.ts";
import { openShell, type Shell } from "./shell.ts";
import { isAsShown } from "./shown-output.ts";

const FENCE = "```";
const GIVEN_UP_AFTER_MS = 300;

function block(language: string, ...lines: string[]): string {
  return [`${FENCE}${language}`, ...lines, FENCE, ""].join("\n");
}

describe("a page", () => {
  let workshop: ReturnType<typeof createWorkshop>;
  let shell: Shell;

  beforeEach(async () => {
    workshop = createWorkshop();
    shell = await openShell(workshop.path, join(workshop.path, ".shell"), {});
  });

  afterEach(async () => {
    await shell.close();
    workshop[Symbol.dispose]();
  });

  async function follow(markdown: string): Promise<void> {
    const follower = new PageFollower(shell, new Map());
    for (const step of readSteps(markdown)) await follower.follow(step);
  }

  it("is followed in order, in one shell: variables, folders and files stay", async () => {
    const file = `Into \`settings.ini\`:\n\n${block("ini", "a=1")}`;
    await follow(
      `${block("console", "$ mkdir one && cd one", "$ name=there")}${file}${block("console", '$ cat settings.ini; echo "$name"', "a=1", "there")}`,
    );
    expect(readFileSync(join(workshop.path, "one/settings.ini"), "utf8")).toBe("a=1\n");
  });

  it("fails where something else comes than it shows, and says both", async () => {
    await expect(follow(block("console", "$ echo three", "four"))).rejects.toThrow(
      /line 2: \$ echo three\nthe page shows\nfour\nand what came is\nthree/,
    );
  });

  it("fails where a command fails, unless it shows an error", async () => {
    await expect(follow(block("console", "$ false"))).rejects.toThrow("ended with 1");
    await expect(follow(block("console", "$ echo fine; false", "fine"))).rejects.toThrow("ended with 1");
    await follow(block("console", "$ echo error: as expected; false", "error: as expected"));
  });

  it("fails where a block is neither run nor written nor marked", async () => {
    await expect(follow(block("json", "{}"))).rejects.toThrow("line 1: a block of json that names no file");
    await follow(`<!-- not run: a part of a file -->\n${block("json", "{}")}`);
  });

  it("does not run what is marked", async () => {
    await follow(`<!-- not run: needs an account -->\n${block("console", "$ touch ran")}`);
    expect(existsSync(join(workshop.path, "ran"))).toBe(false);
  });

  it("is not over while something of it runs", async () => {
    const job = await shell.start("trap '' INT; echo stubborn; exec sleep 600");
    await expect.poll(() => job.output()).toBe("stubborn\n");
    expect(await shell.close(GIVEN_UP_AFTER_MS)).toEqual(["sleep 600"]);
    expect(await shell.close(GIVEN_UP_AFTER_MS)).toEqual([]);
  });

  it("copies the identifier that was printed last", async () => {
    const [first, last] = ["mtlsca_0123456789abcdef", "mtlsca_fedcba9876543210"];
    await follow(block("console", `$ echo ${first} ${last}`, "$ echo --cert-id mtlsca_…", `--cert-id ${last}`));
  });
});

describe("what is shown", () => {
  it.each([
    ["a b", "a b", true],
    ["a  b\n", "a b", true],
    ['{"a":1,"b":2}', '{"a":1,\n "b":2}', true],
    ['{"a":1,"b":2}', '{…"b":2}', true],
    ["a\nb\nc", "a\n…\nc", true],
    ["a b c", "a b", false],
    ["a b c", "b c", false],
    ["ab", "a b", false],
    ["a.c", "abc", false],
    ["abc", "a.c", false],
  ])("of %j, %j: %j", (output, shown, expected) => {
    expect(isAsShown(output, shown)).toBe(expected);
  });
});
