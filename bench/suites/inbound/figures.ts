/** What the targets of the inbound suite are about. */
import { median } from "../../measurement/statistics.ts";
import { compareRounds, type Figure, type MeasuredContender, ratesOf } from "../suite.ts";
import { INGRESS_NAMES, type IngressKey } from "./ingresses.ts";

const RATE_OF_NGINX = { atLeast: 0.75 };
const RATE_OF_NODE_PROXIES = { atLeast: 1 };
const CPU_OF_NGINX = { atMost: 2 };
const ADDED_P50_MS = { atMost: 0.3 };

/** @param unloaded with one connection */
export function compareInbound(main: readonly MeasuredContender[], unloaded: readonly MeasuredContender[]): Figure[] {
  const rates = (key: IngressKey) => ratesOf(find(main, key));
  const cpu = (key: IngressKey) =>
    find(main, key)?.samples.flatMap(({ cpuMicroseconds }) => cpuMicroseconds.front ?? []);
  const compare = (name: string, values: number[], rest: Pick<Figure, "unit" | "target">): Figure[] =>
    values.length === 0 ? [] : [{ name, values, ...rest }];
  return [
    ...compare("the edge, requests/s ÷ nginx's", compareRounds(rates("edge"), rates("nginx")), {
      unit: "×",
      target: RATE_OF_NGINX,
    }),
    ...(["httpProxy3", "fastify"] as const).flatMap((key) =>
      compare(`the edge, requests/s ÷ those of ${INGRESS_NAMES[key]}`, compareRounds(rates("edge"), rates(key)), {
        unit: "×",
        target: RATE_OF_NODE_PROXIES,
      }),
    ),
    ...compare("the edge, CPU for a request ÷ nginx's", compareRounds(cpu("edge"), cpu("nginx")), {
      unit: "×",
      target: CPU_OF_NGINX,
    }),
    ...compare("p50 that the edge adds, 1 connection", addedP50(unloaded), { unit: "ms", target: ADDED_P50_MS }),
  ];
}

function find(measured: readonly MeasuredContender[], key: IngressKey): MeasuredContender | undefined {
  return measured.find(({ name }) => name === INGRESS_NAMES[key]);
}

/** The worker's own is the median of all rounds: it varies less than what is added to it. */
function addedP50(unloaded: readonly MeasuredContender[]): number[] {
  const p50s = (key: IngressKey) => find(unloaded, key)?.samples.flatMap(({ latencyMs }) => latencyMs?.p50 ?? []) ?? [];
  const plain = median(p50s("none"));
  return p50s("edge").map((p50) => p50 - plain);
}
