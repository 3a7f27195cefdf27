/** The worker that every contender stands in front of, in a process of its own. */
import { type DirectWorker, startDirectWorker } from "./direct-worker.ts";
import { runAsChild } from "./run-as-child.ts";
import { TRIVIAL_WORKER } from "./trivial-worker.ts";

export type TrivialWorker = DirectWorker;

runAsChild<object, TrivialWorker>(() => startDirectWorker({ name: "trivial", script: TRIVIAL_WORKER }));
