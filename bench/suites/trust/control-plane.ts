/** The embedded control plane of a directory, as `sallyport control` starts it, and its API as a client sees it. */
import { join } from "node:path";
import pino from "pino";
import { createEmbeddedControlPlane } from "../../../cli/control/control-child.ts";
import { findFreePort } from "../../../cli/stack/ports.ts";
import { openStateDirectory } from "../../../cli/stack/state-directory.ts";
import { monotonicMs } from "../../measurement/monotonic.ts";

export interface ControlPlane {
  readonly url: string;
  readonly adminKey: string;
  call(method: "POST" | "DELETE", path: string, body?: object): Promise<ApiAnswer>;
  stop(): Promise<void>;
}

export interface ApiAnswer {
  /** Parsed; undefined for an empty one */
  body: unknown;
  /** When the request was sent, and when the whole answer was there: {@link monotonicMs} */
  askedMs: number;
  answeredMs: number;
}

/** Where the control plane of the state directory `directory` keeps its database. */
export function persistDirOf(directory: string): string {
  return join(directory, "control");
}

/** @throws Error when it does not answer */
export async function startControlPlane(directory: string): Promise<ControlPlane> {
  const state = openStateDirectory(directory);
  const options = { port: await findFreePort(), managedDomainBase: "localhost", dnsServers: [] };
  const logger = pino({ level: "error" }, pino.destination(2));
  const { url, adminKey, child } = createEmbeddedControlPlane(state, options, logger);
  const stop = () => child.stop();
  await child.start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, adminKey, call: createCaller(url, adminKey), stop };
}

function createCaller(url: string, key: string): ControlPlane["call"] {
  return async function call(method, path, body) {
    const askedMs = monotonicMs();
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answeredMs = monotonicMs();
    if (!response.ok) throw new Error(`"${method} ${path}" was answered with ${response.status}: ${text}`);
    return { body: text === "" ? undefined : JSON.parse(text), askedMs, answeredMs };
  };
}

export async function createEdgeKey(control: ControlPlane): Promise<string> {
  const { body } = await control.call("POST", "/v1/api-keys", { name: "bench edge", scope: "edge" });
  return (body as { key: string }).key;
}
