/**
 * The control plane's event stream: says that something changed, and by its end that the control plane cannot be heard.
 * Stays connected, with growing, jittered pauses between attempts: a restart must not bring all edges back at once.
 */
import { type BundleEvent, bundleEventSchema } from "../../src/contract/trust-bundle.ts";
import type { ControlPlaneClient, EventStream } from "./control-plane-client.ts";

const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 15_000;
/** A connection that answers no ping in this time is taken for dead */
const PING_INTERVAL_MS = 10_000;

export interface ControlEventsListener {
  /** The bundle has this version now, or had it a moment ago */
  onEvent(event: BundleEvent): void;
  /** The stream ended, or could not be opened */
  onLoss(): void;
}

export class ControlEvents {
  readonly #client: ControlPlaneClient;
  readonly #listener: ControlEventsListener;
  #stream: EventStream | undefined;
  #pauseMs = RECONNECT_MIN_MS;
  #reconnect: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;
  #isAnswered = true;
  #isClosed = false;

  constructor(client: ControlPlaneClient, listener: ControlEventsListener) {
    this.#client = client;
    this.#listener = listener;
    this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#reconnect);
    clearInterval(this.#ping);
    this.#stream?.socket.close();
  }

  #connect(): void {
    this.#reconnect = undefined;
    const stream = this.#client.openEvents();
    const { socket } = stream;
    this.#stream = stream;
    socket.addEventListener("open", () => this.#startPinging(stream));
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("error", () => socket.close());
    socket.addEventListener("close", () => this.#connectLater());
  }

  #startPinging({ socket, destroy }: EventStream): void {
    this.#isAnswered = true;
    this.#ping = setInterval(() => {
      if (!this.#isAnswered) return destroy();
      this.#isAnswered = false;
      socket.send("ping");
    }, PING_INTERVAL_MS).unref();
  }

  #receive(data: unknown): void {
    this.#isAnswered = true;
    this.#pauseMs = RECONNECT_MIN_MS;
    const event = parseEvent(data);
    if (event !== undefined) this.#listener.onEvent(event);
  }

  #connectLater(): void {
    clearInterval(this.#ping);
    if (this.#isClosed || this.#reconnect !== undefined) return;
    this.#listener.onLoss();
    this.#reconnect = setTimeout(() => this.#connect(), this.#pauseMs * (0.5 + Math.random())).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, RECONNECT_MAX_MS);
  }
}

/** Undefined for anything that is no event, the answer to a ping among them. */
function parseEvent(data: unknown): BundleEvent | undefined {
  try {
    return bundleEventSchema.parse(JSON.parse(String(data)));
  } catch {
    return undefined;
  }
}
