/** Links of the documentation lead somewhere: to a file of this repository, and to a heading that is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");
const FOLDERS = [".", "docs", "bench"];
const PAGES = FOLDERS.flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** `](target)`, and `[name]: target` of a list of sources */
const LINK = /\]\((?<inline>[^)\s]+)\)|^\[[^\]]+\]: (?<listed>\S+)$/gm;
const FENCED = /^( *)```[\s\S]*?^\1```$/gm;
const HEADING = /^#+ (?<text>.+)$/gm;

function readPage(page: string): string {
  return readFileSync(join(REPOSITORY, page), "utf8").replace(FENCED, "");
}

/** As GitHub makes them: lower case, without punctuation, a hyphen for each space. */
function anchorsOf(page: string): string[] {
  return [...readPage(page).matchAll(HEADING)].map(({ groups }) =>
    (groups?.text ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function findProblem(page: string, link: string): string[] {
  if (/^[a-z]+:/.test(link)) return [];
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : relative(REPOSITORY, join(REPOSITORY, dirname(page), path));
  if (!existsSync(join(REPOSITORY, target))) return [`${link}: no such file`];
  return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${link}: no such heading`];
}

it.each(PAGES)("those of %s", (page) => {
  const links = [...readPage(page).matchAll(LINK)].map(({ groups }) => groups?.inline ?? groups?.listed ?? "");
  expect(links.flatMap((link) => findProblem(page, link))).toEqual([]);
});

it("each page in docs/ is named in the README", () => {
  const readme = readPage("README.md");
  expect(PAGES.filter((page) => page.startsWith("docs") && !readme.includes(`](${page})`))).toEqual([]);
});
