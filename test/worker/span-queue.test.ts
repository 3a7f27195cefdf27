/** The queue of finished spans: bounded, one POST at a time, and never in the way. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { expect, it, vi } from "vitest";
import { SpanQueue } from "../../src/tracing/span-queue.ts";
import { captureConsole } from "./console.ts";

captureConsole();

interface Batch {
  resourceSpans: { scopeSpans: { spans: unknown[] }[] }[];
}

/** A queue whose collector answers by `answer`, and what it was sent. */
function createQueue(answer: (batch: number) => Promise<Response>) {
  const batches: number[] = [];
  const queue = new SpanQueue({
    endpoint: "http://collector.example/v1/traces",
    headers: {},
    timeoutMs: 10_000,
    plainFetch: async (_, init) => {
      const { resourceSpans } = JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)) as Batch;
      batches.push(resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).length);
      return answer(batches.length);
    },
  });
  const tracer = new BasicTracerProvider({ spanProcessors: [queue] }).getTracer("test");
  const endSpans = (count: number) => {
    for (let index = 0; index < count; index += 1) tracer.startSpan("a").end();
  };
  return { queue, batches, endSpans };
}

const accept = async () => new Response("{}");

it("sends in batches, and drops what it has no room for", async () => {
  const { queue, batches, endSpans } = createQueue(accept);
  endSpans(5_000);
  const context = createExecutionContext();
  queue.sendSoon(context);
  await waitOnExecutionContext(context);
  expect(batches).toEqual([512, 512, 512, 512]);
});

it("has one request send for all that come meanwhile", async () => {
  const { queue, batches, endSpans } = createQueue(accept);
  const waited: Promise<unknown>[] = [];
  for (const _ of Array(3)) {
    endSpans(1);
    queue.sendSoon({ waitUntil: (promise) => void waited.push(promise) });
  }
  expect(waited).toHaveLength(1);
  await Promise.all(waited);
  expect(batches).toEqual([3]);
});

it("sends again after a collector that failed", async () => {
  const { queue, batches, endSpans } = createQueue(async (batch) => {
    if (batch === 1) throw new Error("connection refused");
    return accept();
  });
  for (const count of [1, 2]) {
    endSpans(count);
    const context = createExecutionContext();
    queue.sendSoon(context);
    await waitOnExecutionContext(context);
  }
  expect(batches).toEqual([1, 2]);
});

it("has another request send when the one that was to never came to an end", async () => {
  const { queue, batches, endSpans } = createQueue(() => new Promise(() => {}));
  const sendOne = () => {
    endSpans(1);
    queue.sendSoon(createExecutionContext());
  };
  sendOne();
  await vi.waitFor(() => expect(batches).toEqual([1]));
  sendOne();
  const nowMs = Date.now();
  vi.spyOn(Date, "now").mockReturnValue(nowMs + 61_000);
  sendOne();
  await vi.waitFor(() => expect(batches).toEqual([1, 2]));
});

it("waits for nothing where nothing is to be sent", () => {
  const { queue } = createQueue(accept);
  const waited: unknown[] = [];
  queue.sendSoon({ waitUntil: (promise) => void waited.push(promise) });
  expect(waited).toEqual([]);
});
