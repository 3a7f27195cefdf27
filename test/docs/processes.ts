/** What a page started, by a mark in the environment that all of it inherits. */
import { readdirSync, readFileSync } from "node:fs";
import { waitUntil } from "./wait-until.ts";

/** A gateway has 10 s for requests under way, and its parts a little longer. */
export const END_TIMEOUT_MS = 20_000;

export interface MarkedProcess {
  pid: number;
  commandLine: string;
}

/** Running ones: those that ended and were not waited for have no environment. */
export function findMarked(mark: string): MarkedProcess[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const read = (file: string) => readFileSync(`/proc/${name}/${file}`, "utf8");
      try {
        if (!read("environ").split("\0").includes(mark)) return [];
        return [{ pid: Number(name), commandLine: read("cmdline").replaceAll("\0", " ").trim() }];
      } catch {
        return [];
      }
    });
}

/** Waits for them to end by themselves, and kills those that do not. @returns their command lines */
export async function endProcesses(find: () => MarkedProcess[], timeoutMs: number): Promise<string[]> {
  await waitUntil(() => (find().length === 0 ? true : undefined), timeoutMs);
  const left = find();
  for (const { pid } of left) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
  return left.map(({ commandLine }) => commandLine);
}
