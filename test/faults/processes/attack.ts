/** What attacking clients are given. What they tell when asked are counts since their start. */
import type { ConnectionOptions } from "node:tls";

export interface AttackInput {
  /** The edge's */
  port: number;
  /** PEM of the CA that the edge's server certificates come from */
  caPem: string;
  /** SNI and Host */
  hostname: string;
  /** `127.0.0.2` …: to one port of the edge each has some 28,000 of its own */
  localAddresses: string[];
}

export function connectionOptions(
  { port, caPem, hostname, localAddresses }: AttackInput,
  turn: number,
): ConnectionOptions {
  const localAddress = localAddresses[turn % localAddresses.length];
  return { host: "127.0.0.1", port, servername: hostname, ca: caPem, localAddress } as ConnectionOptions;
}
