/**
 * A page as its reader follows it: what to type, what to write into which file, in order. No Markdown parser is among the
 * dependencies, and fenced blocks are all that is looked at.
 */

export interface Command {
  line: number;
  /** As typed, over several lines with `\` at their ends */
  text: string;
  /** What the page shows below it, `""` for nothing */
  shown: string;
}

interface Located {
  /** Of the fence, from 1 */
  line: number;
}

export type Step =
  | (Located & { kind: "commands"; commands: Command[] /** What is ended first, of what runs */; ends?: string })
  | (Located & { kind: "file"; path: string; content: string })
  | (Located & { kind: "not-run"; reason: string })
  /** Neither run nor written nor marked: a mistake of the page */
  | (Located & { kind: "unknown"; problem: string });

interface Block extends Located {
  language: string;
  lines: string[];
  /** From the last block or heading to this one */
  before: string;
}

/** Languages of blocks that show a text and are no step: pictures made of characters, synopses. */
const PLAIN = new Set(["", "text"]);
const FIRST = /<!-- first: Ctrl-C (\S[^>]*?) -->/;
const NOT_RUN = /<!-- not run: (\S[^>]*?) -->/;

/** @param until a heading, `## What it does`, at which to stop */
export function readSteps(markdown: string, until?: string): Step[] {
  return readBlocks(markdown, until)
    .filter(({ language, before }) => !PLAIN.has(language) || NOT_RUN.test(before))
    .map(toStep);
}

export function readBlocks(markdown: string, until?: string): Block[] {
  const blocks: Block[] = [];
  let open: (Block & { indent: string }) | undefined;
  let before = "";
  for (const [index, line] of markdown.split("\n").entries()) {
    if (open !== undefined) {
      if (line.trim() === "```") {
        const { indent: _, ...block } = open;
        blocks.push(block);
        [open, before] = [undefined, ""];
      } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
      continue;
    }
    if (line === until) break;
    const fence = /^(\s*)```(\w*)\s*$/.exec(line);
    if (fence) open = { line: index + 1, indent: fence[1] ?? "", language: fence[2] ?? "", lines: [], before };
    else before = /^#+ /.test(line) ? "" : `${before}${line}\n`;
  }
  return blocks;
}

function toStep({ line, language, lines, before }: Block): Step {
  const reason = NOT_RUN.exec(before)?.[1];
  if (reason !== undefined) return { kind: "not-run", line, reason };
  if (language === "console") {
    const ends = FIRST.exec(before)?.[1];
    return { ...readConsole(line, lines), ...(ends !== undefined && { ends }) };
  }
  const comment = /^\/\/ (\S+\.\w+)$/.exec(lines[0] ?? "")?.[1];
  if (comment !== undefined) return { kind: "file", line, path: comment, content: `${lines.slice(1).join("\n")}\n` };
  const named = /`([\w.][\w./-]*\.[\w.]+)`[^`]*:$/.exec(before.trimEnd())?.[1];
  if (named !== undefined) return { kind: "file", line, path: named, content: `${lines.join("\n")}\n` };
  return { kind: "unknown", line, problem: `a block of ${language || "text"} that names no file` };
}

function readConsole(line: number, lines: readonly string[]): Step {
  const commands: Command[] = [];
  let isContinued = false;
  for (const [index, text] of lines.entries()) {
    const current = commands.at(-1);
    if (isContinued && current !== undefined) current.text += `\n${text}`;
    else if (text.startsWith("$ ")) commands.push({ line: line + 1 + index, text: text.slice(2), shown: "" });
    else if (current !== undefined) current.shown += `${text}\n`;
    else return { kind: "unknown", line, problem: "a console block that does not begin with a command" };
    isContinued = (isContinued || text.startsWith("$ ")) && text.endsWith("\\");
  }
  for (const command of commands) command.shown = command.shown.trim();
  return { kind: "commands", line, commands };
}
