/** Actions that are loaded when they are run, so that `sallyport --help` does not wait for what it has no use for. */
import type { OutputFlags } from "./result.ts";

type Action<Flags> = (flags: Flags) => Promise<void>;

export function createLazyAction<Flags extends OutputFlags>(load: () => Promise<Action<Flags>>): Action<Flags> {
  return async function runLazyAction(flags) {
    const { showRefusal } = await import("./result.ts");
    await showRefusal(flags, async () => (await load())(flags));
  };
}
