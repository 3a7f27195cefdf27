/** The part of autocannon that the benchmark uses; the package has no types of its own. */
declare module "autocannon" {
  import type { EventEmitter } from "node:events";
  import type { ConnectionOptions } from "node:tls";

  interface Options {
    url: string;
    connections: number;
    /** Seconds */
    duration: number;
    headers?: Record<string, string>;
    servername?: string;
    tlsOptions?: ConnectionOptions;
    expectBody?: string;
  }

  interface Instance extends EventEmitter {
    on(
      event: "response",
      listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
    ): this;
    on(event: "reqError", listener: (error: Error) => void): this;
    on(event: "reqMismatch", listener: (body: string) => void): this;
  }

  export default function autocannon(options: Options, done: (error: Error | null) => void): Instance;
}
