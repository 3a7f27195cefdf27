/** A worker's requests to an mTLS origin: through the egress, through nginx in its place, and by workerd itself. */
import type { Sample } from "../measurement/sample.ts";
import type { KeepAliveLoad } from "../processes/keep-alive-process.ts";
import { h2load } from "../processes/load-tools.ts";
import { runChild } from "../processes/start-child.ts";
import { CLIENT_PATH, SMALL_JSON } from "../processes/worker-answers.ts";
import { CONNECTIONS, type Stand, withStand } from "./outbound/stand.ts";
import type { Suite, SuiteOptions, SuiteResult } from "./suite.ts";
import { alternate, type Contender, compareRounds, type Figure, type MeasuredContender, ratesOf } from "./suite.ts";
import { measureTool } from "./tool-load.ts";

const KEEP_ALIVE = new URL("../processes/keep-alive-process.ts", import.meta.url);

const WARM_UP_MS = 500;
const SHARE_OF_NGINX = 0.7;

/** The worker's path of each contender is its key; the order is the table's. */
const NAMES = {
  nginx: "mTLS, through nginx",
  egress: "mTLS, through the egress",
  workerd: "mTLS, by workerd itself",
  plain: "plain HTTP, straight to the origin",
};
type Way = keyof typeof NAMES;

/**
 * autocannon looks at every answer's body, and takes up to a fifth of a processor for it, which the worker then waits for;
 * h2load takes next to nothing. It is left out where it is not installed.
 */
const LOADS = ["autocannon", "h2load"] as const;
type Load = (typeof LOADS)[number];

const TARGET = { hostname: "localhost", connections: CONNECTIONS };

export const outbound: Suite = { description: "a worker's requests to an mTLS origin, by several ways", run };

function run(options: SuiteOptions): Promise<SuiteResult> {
  return withStand(options, async (stand) => {
    if (stand.nginx === undefined) options.note("nginx is not installed: measured without it");
    const ways = (Object.keys(NAMES) as Way[]).filter((way) => way !== "nginx" || stand.nginx !== undefined);
    for (const way of ways) if (way !== "plain") await checkPresented(stand, way);
    const loads = LOADS.filter((load) => load !== "h2load" || h2load.find() !== undefined);
    const contenders = loads.flatMap((load) => ways.map((way) => createContender(stand, way, load, options)));
    const measured = await alternate(contenders, options);
    return { conditions: describeConditions(stand, options), measured, figures: compareWithNginx(measured) };
  });
}

/** A fast answer to a request without its certificate would be worth nothing. */
async function checkPresented({ worker }: Stand, way: Way): Promise<void> {
  const answer = await fetch(`${worker.url}/${way}${CLIENT_PATH}`);
  const found = await answer.text();
  const expected = `TLSv1.3 SUCCESS CN=${way}`;
  if (found === expected) return;
  throw new Error(`"${found}" (${answer.status}) is what the origin saw of "${NAMES[way]}", expected ${expected}`);
}

function createContender(stand: Stand, way: Way, load: Load, { measureMs }: SuiteOptions): Contender {
  const { worker } = stand;
  const url = `${worker.url}/${way}`;
  const watched = watch(stand, way);
  const measure = {
    autocannon: () =>
      runChild<KeepAliveLoad, Sample>(KEEP_ALIVE, {
        ...TARGET,
        url,
        expectedBody: SMALL_JSON,
        warmUpMs: WARM_UP_MS,
        measureMs,
        watched,
      }),
    h2load: () => measureTool(h2load, { ...TARGET, url, measureMs }, watched),
  };
  return { operation: describeOperation(load), name: NAMES[way], measure: measure[load] };
}

function watch({ worker, origin, egressPid, nginx }: Stand, way: Way): Record<string, readonly number[]> {
  const hops: Partial<Record<Way, Record<string, readonly number[]>>> = {
    nginx: { nginx: nginx?.pids ?? [] },
    egress: { egress: [egressPid] },
  };
  const { workerdPid } = worker;
  return { ...(workerdPid !== undefined && { worker: [workerdPid] }), origin: origin.pids, ...hops[way] };
}

function describeOperation(load: Load): string {
  return `requests, loaded by ${load}`;
}

function compareWithNginx(measured: readonly MeasuredContender[]): Figure[] {
  return LOADS.flatMap((load) => {
    const operation = describeOperation(load);
    const rates = (way: Way) =>
      ratesOf(measured.find((contender) => contender.operation === operation && contender.name === NAMES[way]));
    const values = compareRounds(rates("egress"), rates("nginx"));
    if (values.length === 0) return [];
    const name = `egress, requests/s ÷ nginx's, loaded by ${load}`;
    return [{ name, unit: "×" as const, values, target: { atLeast: SHARE_OF_NGINX } }];
  });
}

function describeConditions({ origin, nginx }: Stand, options: SuiteOptions): string[] {
  const { rounds, measureMs, logFormat, cpuProfileDir } = options;
  const missing = "without nginx in the egress' place, which is not installed (apt-get install nginx)";
  return [
    `${rounds} rounds of ${measureMs / 1_000} s each, the contenders by turns, all on this machine over loopback`,
    `requests: HTTP/1.1, keep-alive, ${CONNECTIONS} connections to the worker, which answers with the origin's ${SMALL_JSON.length} bytes of JSON`,
    `origin: ${origin.description}, one for all; TLS 1.3, ECDSA P-256, the client certificate checked for each contender`,
    h2load.find() ?? `without h2load, which is not installed (apt-get install ${h2load.debian})`,
    nginx === undefined ? missing : "nginx: a worker process for each processor, no log",
    `the egress' log is on (${logFormat}, as in production) and goes to the null device`,
    ...(cpuProfileDir === undefined ? [] : ["the egress ran under Node's profiler, which makes it slower"]),
  ];
}
