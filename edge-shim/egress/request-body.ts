/**
 * A worker's body on its way to an origin. Its beginning is kept, so that a request of which the origin took nothing can
 * be sent again, and it is kept apart from the worker's connection: what the origin does not want is read and dropped,
 * since the answer still has to go out and the next request come in.
 */
import type { IncomingMessage } from "node:http";
import type { ClientHttp2Stream } from "node:http2";
import { Readable } from "node:stream";

/** Of each body; what is longer can be sent again only until more than this was read. */
const KEPT_MAX_BYTES = 64 * 1024;

/** The body of one attempt, for undici: iterable, since what it does with a stream keeps HTTP/2 resets back. */
export interface AttemptBody extends AsyncIterable<Uint8Array> {
  /** The HTTP/2 stream that it goes out on, where there is one */
  joinStream(stream: ClientHttp2Stream): void;
  destroy(): void;
}

interface Attempt {
  readonly body: Readable;
  isFlowing: boolean;
  beforeFirstByte(): void;
}

export class RequestBody {
  readonly #source: IncomingMessage;
  /** All that came so far; undefined when that was too much to keep */
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #isEnded = false;
  #isListening = false;
  #attempt: Attempt | undefined;

  constructor(source: IncomingMessage) {
    this.#source = source;
  }

  /** Whether {@link open} may be called, again */
  get isRepeatable(): boolean {
    return this.#kept !== undefined;
  }

  /**
   * For one attempt to send it, which ends the one before.
   *
   * @param beforeFirstByte what it throws ends the attempt, and nothing was taken from the body then
   */
  open(beforeFirstByte: () => void): AttemptBody {
    const body: Readable = new Readable({
      read: () => this.#readOn(attempt),
      destroy: (error, callback) => {
        if (attempt.isFlowing && attempt === this.#attempt) this.#source.resume();
        callback(error);
      },
    });
    const attempt: Attempt = { body, isFlowing: false, beforeFirstByte };
    // Nobody may be reading it when it is destroyed.
    body.on("error", () => {});
    this.#attempt = attempt;
    let http2Stream: ClientHttp2Stream | undefined;
    return {
      joinStream: (stream) => {
        http2Stream = stream;
        // The origin has answered and wants no more: undici would wait for ever until it can write on.
        stream.once("close", () => {
          if (attempt === this.#attempt) this.discard();
        });
      },
      destroy() {
        body.destroy();
        // Before undici closes it, which would make a whole body of what was sent so far.
        if (http2Stream?.writableEnded === false) http2Stream.destroy(new Error("the request was given up"));
      },
      [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
    };
  }

  /** Nobody wants it any more, unless it is opened again. */
  discard(): void {
    this.#attempt?.body.destroy();
    this.#source.resume();
  }

  #readOn(attempt: Attempt): void {
    if (attempt !== this.#attempt) return;
    const hasBegun = this.#isEnded || this.#keptBytes > 0;
    if (!attempt.isFlowing && hasBegun) this.#begin(attempt);
    else if (this.#isListening) this.#source.resume();
    else this.#listen();
  }

  #listen(): void {
    this.#isListening = true;
    this.#source.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#source.on("end", () => {
      this.#isEnded = true;
      const attempt = this.#attempt;
      if (attempt?.isFlowing) attempt.body.push(null);
      else if (attempt !== undefined) this.#begin(attempt);
    });
    this.#source.on("aborted", () => {
      this.#attempt?.body.destroy(new Error("the worker left before its body was complete"));
    });
  }

  #take(chunk: Buffer): void {
    this.#keptBytes += chunk.length;
    const attempt = this.#attempt;
    const isFirst = attempt?.isFlowing === false && !attempt.body.destroyed;
    if (this.#keptBytes <= KEPT_MAX_BYTES || isFirst) this.#kept?.push(chunk);
    else this.#kept = undefined;
    if (attempt === undefined || attempt.body.destroyed) return;
    if (!attempt.isFlowing) this.#begin(attempt);
    else if (!attempt.body.push(chunk)) this.#source.pause();
  }

  #begin(attempt: Attempt): void {
    const { body } = attempt;
    if (body.destroyed || this.#kept === undefined) return;
    // Before what is kept is handed over: whoever throws may want to open it again.
    this.#source.pause();
    try {
      attempt.beforeFirstByte();
    } catch (error) {
      body.destroy(error as Error);
      return;
    }
    attempt.isFlowing = true;
    let wantsMore = true;
    for (const chunk of this.#kept) wantsMore = body.push(chunk);
    if (this.#isEnded) body.push(null);
    else if (wantsMore) this.#source.resume();
  }
}
