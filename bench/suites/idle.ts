/** Memory: what clients cost that hold a connection and send nothing. */
import { availableParallelism } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { readResidentMebibytes } from "../measurement/memory.ts";
import { readOpenFilesLimit } from "../measurement/open-files.ts";
import type { IdleLoad, IdleReport } from "../processes/idle-process.ts";
import { type Child, startChild } from "../processes/start-child.ts";
import { type Children, withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { type ClientSide, createClientSide } from "./inbound/client-side.ts";
import {
  describeInstalled,
  INGRESS_NAMES,
  type Ingress,
  type IngressKey,
  startIngresses,
  startWorker,
} from "./inbound/ingresses.ts";
import type { Figure, Suite, SuiteOptions, SuiteResult } from "./suite.ts";

const IDLE = new URL("../processes/idle-process.ts", import.meta.url);

const CONTENDERS: IngressKey[] = ["edge", "nginx", "haproxy"];
const STEPS = [0, 1_000, 10_000];
/** Files that a process has open besides connections */
const FILES_SPARE = 500;
const CLIENTS = Math.max(2, availableParallelism());
/** Buffers of handshakes and requests are given back by then */
const SETTLE_MS = 2_000;
const OPEN_TIMEOUT_MS = 120_000;
const MEMORY_OVER_EMPTY = { atMost: 400 };
const KIBIBYTES_PER_MEBIBYTE = 1_024;

interface Measured {
  name: string;
  /** MiB by number of connections */
  residents: Map<number, number>;
}

export const idle: Suite = {
  description: "memory at 0, 1,000 and 10,000 idle mTLS connections: the edge, nginx and HAProxy",
  run: async (options): Promise<SuiteResult> => {
    const clientSide = await createClientSide();
    const steps = chooseSteps(options);
    const figures: Figure[] = [];
    for (const key of CONTENDERS) {
      const measured = await measure(key, steps, clientSide, options);
      if (measured !== undefined) figures.push(...describe(measured, steps));
    }
    return {
      conditions: [
        `measured once, each just started; HTTP/1.1 over TLS 1.3, one request on each connection before it is idle`,
        "memory: resident set, all processes of a server; what Node has not collected yet is in it",
        "KiB a connection: from the second step to the last, so that what the first thousand bring once does not count",
        ...describeInstalled(CONTENDERS),
      ],
      measured: [],
      figures,
    };
  },
};

/** A server has one file open for each idle client. */
function chooseSteps({ note }: SuiteOptions): number[] {
  const limit = readOpenFilesLimit() - FILES_SPARE;
  const possible = STEPS.filter((connections) => connections <= limit);
  const left = STEPS.filter((connections) => connections > limit).map((count) => count.toLocaleString("en"));
  if (left.length > 0) note(`"ulimit -Hn" is too low for ${left.join(" and ")} connections: measured without`);
  return possible;
}

/** A server that was just started. Undefined where it is not installed. */
function measure(
  key: IngressKey,
  steps: readonly number[],
  clientSide: ClientSide,
  options: SuiteOptions,
): Promise<Measured | undefined> {
  return withChildren(async (children) => {
    const worker = await startWorker(children);
    const [ingress] = await startIngresses([key], { worker, clientSide, options, children });
    if (ingress === undefined) return undefined;
    await checkVerified(ingress, clientSide);
    const residents: Measured["residents"] = new Map();
    const clients: IdleClient[] = [];
    let open = 0;
    for (const connections of steps) {
      if (connections > open) clients.push(...(await openIdle(ingress, connections - open, children)));
      open = connections;
      await delay(SETTLE_MS);
      for (const client of clients) await checkOpen(client, ingress);
      const mebibytes = readResident(ingress) ?? Number.NaN;
      residents.set(connections, mebibytes);
      const count = connections.toLocaleString("en");
      options.note(`${ingress.name}: ${Math.round(mebibytes)} MiB with ${count} idle connections`);
    }
    return { name: ingress.name, residents };
  });
}

interface IdleClient {
  child: Child<object>;
  connections: number;
}

/** From several processes, which may each have only so many files open, and addresses, which have so many ports. */
function openIdle({ port, identity }: Ingress, connections: number, children: Children): Promise<IdleClient[]> {
  if (identity === undefined) throw new TypeError("without TLS there is no mTLS connection");
  const shares = Array.from({ length: CLIENTS }, (_, index) => Math.floor((connections + index) / CLIENTS));
  return Promise.all(
    shares.map(async (share, index) => {
      const load: IdleLoad = { port, identity, connections: share, localAddress: `127.0.0.${index + 2}` };
      const child = await startChild<IdleLoad, object>(IDLE, load, { answerTimeoutMs: OPEN_TIMEOUT_MS });
      return { child: children.keep(child), connections: share };
    }),
  );
}

async function checkOpen({ child, connections }: IdleClient, { name }: Ingress): Promise<void> {
  const { open } = await child.ask<IdleReport>();
  if (open !== connections)
    throw new Error(`"${name}" closed ${connections - open} of ${connections} idle connections`);
}

function readResident({ pids }: Ingress): number | undefined {
  return pids
    .map(readResidentMebibytes)
    .reduce((sum, value) => (sum === undefined || value === undefined ? undefined : sum + value), 0);
}

function describe({ name, residents }: Measured, steps: readonly number[]): Figure[] {
  const figure = (title: string, value: number | undefined, rest: Partial<Figure> = {}): Figure[] =>
    value === undefined || Number.isNaN(value)
      ? []
      : [{ name: `${name}: ${title}`, unit: "MiB", values: [value], ...rest }];
  const [empty = 0, some = 0] = steps;
  const most = steps.at(-1) ?? 0;
  const over = (from: number): number | undefined => {
    const [less, more] = [residents.get(from), residents.get(most)];
    return less === undefined || more === undefined || from === most ? undefined : more - less;
  };
  const each = over(some);
  return [
    ...steps.flatMap((step) => figure(`${step.toLocaleString("en")} idle connections`, residents.get(step))),
    ...figure(
      `${most.toLocaleString("en")} idle connections, over none`,
      over(empty),
      name === INGRESS_NAMES.edge ? { target: MEMORY_OVER_EMPTY } : {},
    ),
    ...figure("a connection", each && (each * KIBIBYTES_PER_MEBIBYTE) / (most - some), { unit: "KiB" }),
  ];
}
