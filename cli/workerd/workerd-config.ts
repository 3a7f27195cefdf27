/**
 * The configuration that `workerd serve` reads: one worker, one socket, one network. No value that may be secret is written
 * into it: such variables are named, and workerd takes them from its environment.
 */
import { type CapnpStruct, printCapnp } from "./capnp-text.ts";

/** How `--socket-addr` of workerd calls it */
export const SOCKET_NAME = "http";
/** Loopback: the edge in front is on this machine until somebody says otherwise with `--socket-addr` */
export const DEFAULT_ADDRESS = "127.0.0.1:8787";

export interface WorkerdConfigOptions {
  compatibilityDate: string;
  compatibilityFlags: readonly string[];
  modules: readonly CapnpStruct[];
  /** Texts and JSON that are public */
  variables: Readonly<Record<string, unknown>>;
  /** Names of variables whose values workerd finds in its environment; one that is not set is null */
  environmentVariables: readonly string[];
}

/** In the words of `Workerd.Config` (workerd.capnp). */
export interface WorkerdConfig {
  services: CapnpStruct[];
  sockets: CapnpStruct[];
}

export function createWorkerdConfig(options: WorkerdConfigOptions): WorkerdConfig {
  const { compatibilityDate, compatibilityFlags, modules, variables, environmentVariables } = options;
  const literal = Object.entries(variables).filter(([name]) => !environmentVariables.includes(name));
  const worker = {
    compatibilityDate,
    compatibilityFlags,
    modules,
    bindings: [
      ...literal.map(([name, value]) =>
        typeof value === "string" ? { name, text: value } : { name, json: JSON.stringify(value) },
      ),
      ...environmentVariables.map((name) => ({ name, fromEnvironment: name })),
    ],
    globalOutbound: "internet",
  };
  // Private networks as well, as under `serve`: the egress is on loopback, and origins often are next door.
  const network = { allow: ["public", "private"], tlsOptions: { trustBrowserCas: true } };
  return {
    services: [
      { name: "gateway", worker },
      { name: "internet", network },
    ],
    sockets: [{ name: SOCKET_NAME, address: DEFAULT_ADDRESS, http: {}, service: "gateway" }],
  };
}

export function printWorkerdConfig({ services, sockets }: WorkerdConfig): string {
  return `# Written by "sallyport build --target workerd": changes are lost with the next build
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = ${printCapnp({ services, sockets })};
`;
}
