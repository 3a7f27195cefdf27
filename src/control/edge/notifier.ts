/**
 * The Durable Object that holds the edges' WebSockets. It tells them that there is something new, what version it has
 * and whose it is, never what: an edge that hears of a change pulls, and one that misses it polls. Nothing is stored, so
 * with the hibernation API it costs nothing while nothing happens.
 */
import { DurableObject } from "cloudflare:workers";
import type { BundleEvent } from "../../contract/trust-bundle.ts";
import type { ControlEnvironment } from "../configuration.ts";
import { openDatabase } from "../database/database.ts";
import { selectVersion } from "../database/version.ts";
import { logFailure } from "../log.ts";

/** WebSocket close codes (RFC 6455, section 7.4.1). */
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

/** One object for all edges: it only ever sends a few bytes to each. */
export function notifierOf(env: ControlEnvironment): DurableObjectStub<EdgeNotifier> {
  return env.EDGE_NOTIFIER.getByName("edges");
}

/** Names the key that opened a socket, on the request by which the worker hands the socket over. */
const KEY_PARAMETER = "key";

/** Opens an event stream for the edge key `keyId`. The caller's own headers, its key among them, are not passed on. */
export function connectEdge(env: ControlEnvironment, keyId: string): Promise<Response> {
  const url = `https://edge-notifier/?${new URLSearchParams({ [KEY_PARAMETER]: keyId })}`;
  return notifierOf(env).fetch(url, { headers: { upgrade: "websocket" } });
}

export class EdgeNotifier extends DurableObject<ControlEnvironment> {
  constructor(state: DurableObjectState, env: ControlEnvironment) {
    super(state, env);
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  /** The socket is accepted before the version is read: a write in between is then pushed, and cannot be missed. */
  override async fetch(request: Request): Promise<Response> {
    const keyId = new URL(request.url).searchParams.get(KEY_PARAMETER) ?? "";
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [keyId]);
    await this.#sendPresentVersion(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  /**
   * Called after a commit, with the version that it made: the database need not be asked, which would hold up the edges.
   * Two that overlap may be told in either order: to an edge a version is a nudge, not a fact.
   */
  async announce(event: BundleEvent): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) send(socket, event);
  }

  /** Called when the key `keyId` was revoked: what it opened is closed. */
  async disconnect(keyId: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets(keyId)) socket.close(POLICY_VIOLATION, "the API key was revoked");
  }

  /** Edges have nothing to say but `ping`, which never gets here. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(POLICY_VIOLATION, "only ping is understood");
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    // 1005 and 1006 stand for "no code was sent" and must not be sent back
    if (code === 1005 || code === 1006) socket.close();
    else socket.close(code);
  }

  /** A socket that cannot be told is closed: its edge connects anew and is told then. */
  async #sendPresentVersion(socket: WebSocket): Promise<void> {
    const version = await this.#readVersion();
    if (version === undefined) socket.close(INTERNAL_ERROR, "the version cannot be read");
    else send(socket, { version });
  }

  async #readVersion(): Promise<string | undefined> {
    try {
      const row = await selectVersion(openDatabase(this.env.DB)).get();
      return row?.version;
    } catch (error) {
      logFailure("version_unreadable", error);
      return undefined;
    }
  }
}

function send(socket: WebSocket, event: BundleEvent): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(event));
}
