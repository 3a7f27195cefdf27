/** What a suite started, and the directory of what has to lie on disk: all of it goes when the suite ends. */
import type { Child } from "../processes/start-child.ts";
import { createScratchDirectory, type ScratchDirectory } from "./scratch-directory.ts";

export interface Children {
  scratch: Pick<ScratchDirectory, "create">;
  /** Has `child` stopped with the others. */
  keep<Output>(child: Child<Output>): Child<Output>;
}

/** Runs `use`, then ends what it kept, what came last first, and removes what was written. */
export async function withChildren<Result>(use: (children: Children) => Promise<Result>): Promise<Result> {
  const scratch = createScratchDirectory();
  const running: { stop(): Promise<void> }[] = [];
  try {
    return await use({
      scratch,
      keep(child) {
        running.push(child);
        return child;
      },
    });
  } finally {
    for (const child of running.reverse()) await child.stop();
    scratch.remove();
  }
}
