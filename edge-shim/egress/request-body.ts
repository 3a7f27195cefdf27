/**
 * A worker's body on its way to an origin. Its beginning is kept until the moment at which something of the request is
 * written, so that until then the request can be sent again, and kept apart from the worker's connection: what the
 * origin does not want is read and dropped, since the answer still has to go out and the next request come in.
 */
import type { IncomingMessage } from "node:http";
import type { ClientHttp2Stream } from "node:http2";
import { Readable } from "node:stream";

/** The body of one attempt, for undici: iterable, since what it does with a stream keeps HTTP/2 resets back. */
export interface AttemptBody extends AsyncIterable<Uint8Array> {
  /** The HTTP/2 stream that it goes out on, where there is one */
  joinStream(stream: ClientHttp2Stream): void;
  destroy(): void;
}

export class RequestBody {
  readonly #source: IncomingMessage;
  /** Resolves when there is a first chunk, or none will come */
  #beginning: Promise<void> | undefined;
  #first: Buffer | undefined;
  #isEnded = false;
  #attempt: Readable | undefined;
  #giveUpWaiting: (() => void) | undefined;

  constructor(source: IncomingMessage) {
    this.#source = source;
  }

  /**
   * For one attempt to send it.
   *
   * @param beforeFirstByte what it throws ends the attempt, and nothing was taken from the body then
   */
  open(beforeFirstByte: () => void): AttemptBody {
    const source = this.#source;
    let isFlowing = false;
    const body = new Readable({
      read: () => {
        if (isFlowing) source.resume();
        else this.#waitForBeginning().then(begin);
      },
      destroy: (error, callback) => {
        source.off("data", onData).off("end", onEnd).off("aborted", onAborted);
        if (isFlowing) source.resume();
        callback(error);
      },
    });
    const onData = (chunk: Buffer) => {
      if (!body.push(chunk)) source.pause();
    };
    const onEnd = () => body.push(null);
    const onAborted = () => body.destroy(new Error("the worker left before its body was complete"));
    const begin = () => {
      if (isFlowing || body.destroyed) return;
      try {
        beforeFirstByte();
      } catch (error) {
        body.destroy(error as Error);
        return;
      }
      isFlowing = true;
      source.on("data", onData).on("end", onEnd).on("aborted", onAborted);
      const wantsMore = this.#first === undefined || body.push(this.#first);
      if (this.#isEnded) body.push(null);
      else if (wantsMore) source.resume();
    };
    // Nobody may be reading it when it is destroyed.
    body.on("error", () => {});
    this.#attempt = body;
    let http2Stream: ClientHttp2Stream | undefined;
    return {
      joinStream: (stream) => {
        http2Stream = stream;
        // The origin has answered and wants no more: undici would wait for ever until it can write on.
        stream.once("close", () => this.discard());
      },
      destroy() {
        body.destroy();
        // Before undici closes it, which would make a whole body of what was sent so far.
        if (http2Stream?.writableEnded === false) http2Stream.destroy(new Error("the request was given up"));
      },
      [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
    };
  }

  /** Nobody wants it any more. */
  discard(): void {
    this.#attempt?.destroy();
    this.#giveUpWaiting?.();
    this.#source.resume();
  }

  #waitForBeginning(): Promise<void> {
    this.#beginning ??= new Promise((resolve) => {
      const source = this.#source;
      const onFirst = (chunk: Buffer) => {
        source.pause();
        this.#first = chunk;
        resolve();
      };
      this.#giveUpWaiting = () => source.off("data", onFirst);
      source.once("data", onFirst);
      // Stays: the end of a short body comes right behind its first chunk, paused or not.
      source.once("end", () => {
        this.#isEnded = true;
        resolve();
      });
    });
    return this.#beginning;
  }
}
