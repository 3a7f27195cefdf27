/** The other end of edge-process.ts: one process, and calls to it. */
import type { Worker } from "node:cluster";
import { type Answer, type Call, type Calls, restoreFailure } from "./calls.ts";

export interface SupervisedProcess {
  readonly pid: number | undefined;
  /** @throws what the process threw; Error when it ends before it has answered */
  call<Name extends keyof Calls>(call: Name, argument: Calls[Name]["argument"]): Promise<Calls[Name]["result"]>;
  /** Ends it at once. */
  kill(): void;
  /** How it ended */
  readonly exited: Promise<string>;
}

export function superviseProcess(worker: Worker): SupervisedProcess {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let nextId = 0;
  const { pid } = worker.process;

  worker.on("message", (message: Answer | object) => {
    if (!("answerTo" in message)) return;
    const asked = waiting.get(message.answerTo);
    waiting.delete(message.answerTo);
    if ("failure" in message) asked?.reject(restoreFailure(message.failure));
    else asked?.resolve(message.result);
  });
  const exited = new Promise<string>((resolve) => {
    worker.once("exit", (code, signal) => {
      const how = signal ?? `exit code ${code}`;
      for (const asked of waiting.values()) asked.reject(new Error(`edge process ${pid} ended (${how})`));
      waiting.clear();
      resolve(how);
    });
  });

  return {
    pid,
    exited,
    kill: () => void worker.process.kill("SIGKILL"),
    call<Name extends keyof Calls>(call: Name, argument: Calls[Name]["argument"]) {
      const asked = Promise.withResolvers<unknown>();
      const id = nextId++;
      waiting.set(id, asked);
      worker.send({ call, id, argument } satisfies Call<Name>, (error) => {
        // Its end, which says how, follows.
        if (error !== null && !worker.isDead() && worker.isConnected()) asked.reject(error);
      });
      return asked.promise as Promise<Calls[Name]["result"]>;
    },
  };
}
