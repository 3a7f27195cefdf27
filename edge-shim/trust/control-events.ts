/**
 * The control plane's event stream: says that something changed, and by its end that the control plane cannot be heard.
 * Stays connected, with growing, jittered pauses between attempts: a restart must not bring all edges back at once.
 */
import type { WebSocket } from "undici";
import { bundleEventSchema } from "../../src/contract/trust-bundle.ts";
import type { ControlPlaneClient } from "./control-plane-client.ts";

const RECONNECT_MIN_MS = 250;
const RECONNECT_MAX_MS = 15_000;
/** A connection that answers no ping in this time is taken for dead */
const PING_INTERVAL_MS = 10_000;

export interface ControlEventsListener {
  /** The bundle has this version now, or had it a moment ago */
  onVersion(version: string): void;
  /** The stream ended, or could not be opened */
  onLoss(): void;
}

export class ControlEvents {
  readonly #client: ControlPlaneClient;
  readonly #listener: ControlEventsListener;
  #socket: WebSocket | undefined;
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
    this.#socket?.close();
  }

  #connect(): void {
    this.#reconnect = undefined;
    const socket = this.#client.openEvents();
    this.#socket = socket;
    socket.addEventListener("open", () => this.#startPinging(socket));
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("error", () => socket.close());
    socket.addEventListener("close", () => this.#connectLater());
  }

  #startPinging(socket: WebSocket): void {
    this.#isAnswered = true;
    this.#ping = setInterval(() => {
      if (!this.#isAnswered) socket.close();
      this.#isAnswered = false;
      socket.send("ping");
    }, PING_INTERVAL_MS).unref();
  }

  #receive(data: unknown): void {
    this.#isAnswered = true;
    this.#pauseMs = RECONNECT_MIN_MS;
    const version = parseEvent(data);
    if (version !== undefined) this.#listener.onVersion(version);
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
function parseEvent(data: unknown): string | undefined {
  try {
    return bundleEventSchema.parse(JSON.parse(String(data))).version;
  } catch {
    return undefined;
  }
}
