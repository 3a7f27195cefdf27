/** A collector of OpenTelemetry's spans: plain HTTP that reads OTLP's JSON, and OpenTelemetry's variables that lead to it. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { until } from "./until.ts";

export const INTERNAL = 1;
export const SERVER = 2;
export const CLIENT = 3;
export const ERROR = 2;

export interface ExportedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: Record<string, unknown>;
  status: { code?: number };
  /** `sallyport.ingress` and the like */
  scope: string;
  /** The process, by its `service.name` */
  service: unknown;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
type EncodedSpan = Omit<ExportedSpan, "attributes" | "scope" | "service"> & { attributes: Attribute[] };
interface Export {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { scope: { name: string }; spans: EncodedSpan[] }[];
  }[];
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** With a short wait for a batch */
  readonly variables: Record<string, string>;
  /** Exports so far, as they came */
  readonly exports: { headers: IncomingHttpHeaders; body: Export }[];
  /** How often somebody connected */
  readonly connections: number;
  /** Waits until `count` spans came. */
  waitForSpans(count: number): Promise<ExportedSpan[]>;
}

/** @param answer in place of an acceptance, for instance none */
export async function startCollector(answer?: RequestListener): Promise<Collector> {
  const exports: Collector["exports"] = [];
  const server = createServer(async (request, response) => {
    exports.push({ headers: request.headers, body: (await json(request)) as Export });
    if (answer === undefined) response.end("{}");
    else answer(request, response);
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    variables: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: "20" },
    exports,
    get connections() {
      return connections;
    },
    waitForSpans: (count) =>
      until(() => {
        const spans = exports.flatMap(({ body }) => readSpans(body));
        return spans.length >= count && spans;
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readSpans({ resourceSpans }: Export): ExportedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ attributes, ...span }) => ({
        ...span,
        attributes: readAttributes(attributes),
        scope: scope.name,
        service: readAttributes(resource.attributes)["service.name"],
      })),
    ),
  );
}

function readAttributes(list: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
}
