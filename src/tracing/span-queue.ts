/**
 * Finished spans on their way to the collector. A Workers runtime lets no timer outlive its request, so the first request
 * with something to send waits a moment, after its answer, and sends what others have added meanwhile: one POST at a
 * time, however many requests there are. What does not fit into the queue is dropped, as is what the collector does
 * not take.
 */
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";

/** As OpenTelemetry's own batches */
const QUEUE_MAX_SPANS = 2_048;
const BATCH_MAX_SPANS = 512;
const DELAY_MS = 500;
/** A request that was to send may be gone before it did: after this the next one does. */
const STALE_AFTER_MS = 60_000;

export interface SpanQueueOptions {
  /** Absolute URL */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** The runtime's own */
  plainFetch: typeof fetch;
}

export class SpanQueue implements SpanProcessor {
  readonly #options: SpanQueueOptions;
  #spans: ReadableSpan[] = [];
  #sendingSinceMs: number | undefined;
  #hasFailed = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#spans.length < QUEUE_MAX_SPANS) this.#spans.push(span);
  }

  /** Call after a span has ended. Resolves at once: `executionContext` waits. */
  sendSoon(executionContext: Pick<ExecutionContext, "waitUntil">): void {
    const nowMs = Date.now();
    const isSending = this.#sendingSinceMs !== undefined && nowMs - this.#sendingSinceMs < STALE_AFTER_MS;
    if (this.#spans.length === 0 || isSending) return;
    this.#sendingSinceMs = nowMs;
    executionContext.waitUntil(this.#send());
  }

  async #send(): Promise<void> {
    await scheduler.wait(DELAY_MS);
    while (this.#spans.length > 0) await this.#post(this.#spans.splice(0, BATCH_MAX_SPANS));
    this.#sendingSinceMs = undefined;
  }

  async #post(spans: ReadableSpan[]): Promise<void> {
    const { endpoint, headers, timeoutMs, plainFetch } = this.#options;
    try {
      const response = await plainFetch(endpoint, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JsonTraceSerializer.serializeRequest(spans) ?? null,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      this.#report(response.ok ? undefined : `the collector answered ${response.status}`);
    } catch (error) {
      this.#report(error instanceof Error ? error.message : String(error));
    }
  }

  /** Once until it goes well again: a collector that is away is no news with each batch. */
  #report(problem: string | undefined): void {
    if (problem !== undefined && !this.#hasFailed) {
      console.warn(JSON.stringify({ level: "warn", message: `spans could not be exported: ${problem}` }));
    }
    this.#hasFailed = problem !== undefined;
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
