/** New connections: a full handshake with a client certificate each, at the edge and at others in its place. */
import { withChildren } from "./children.ts";
import { checkVerified } from "./inbound/check-verified.ts";
import { createClientSide } from "./inbound/client-side.ts";
import { describeInstalled, INGRESS_NAMES, type IngressKey, startIngresses, startWorker } from "./inbound/ingresses.ts";
import { HANDSHAKE_CONCURRENCY, measureHandshakes } from "./inbound/load.ts";
import {
  alternate,
  compareRounds,
  describeRun,
  HANDSHAKE_SHARE_OF_TIME,
  ratesOf,
  type Suite,
  type SuiteResult,
} from "./suite.ts";

/** wrangler dev asks for no certificates. */
const CONTENDERS: IngressKey[] = ["nginx", "edge", "haproxy", "httpProxy3", "fastify"];
const RATE_OF_NGINX = { atLeast: 0.8 };

export const handshakes: Suite = {
  description: "new connections, a full mTLS handshake each, at the edge and at others in its place",
  run: (options) =>
    withChildren(async (children): Promise<SuiteResult> => {
      const clientSide = await createClientSide();
      const worker = await startWorker(children);
      const ingresses = await startIngresses(CONTENDERS, { worker, clientSide, options, children });
      for (const ingress of ingresses) await checkVerified(ingress, clientSide);
      const contenders = ingresses.map((ingress) => ({
        operation: "full handshakes",
        name: ingress.name,
        measure: () => measureHandshakes(ingress, { front: ingress.pids }, options.measureMs * HANDSHAKE_SHARE_OF_TIME),
      }));
      const measured = await alternate(contenders, options);
      const rates = (key: IngressKey) => ratesOf(measured.find(({ name }) => name === INGRESS_NAMES[key]));
      const values = compareRounds(rates("edge"), rates("nginx"));
      const name = "the edge, full handshakes/s ÷ nginx's";
      return {
        conditions: [
          ...describeRun(options, HANDSHAKE_SHARE_OF_TIME),
          `TLS 1.3, ECDSA P-256 on both sides, no resumption, ${HANDSHAKE_CONCURRENCY} at a time, no request on them`,
          ...describeInstalled(CONTENDERS),
        ],
        measured,
        figures: values.length === 0 ? [] : [{ name, unit: "×", values, target: RATE_OF_NGINX }],
      };
    }),
};
