/** What all the origins have in common for a test, whichever program they are. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../../cli/stack/ports.ts";
import type { IssuedCertificate } from "../../../fixtures/pki/certificate-authority.ts";
import { startServerProcess } from "./server-process.ts";

export type TlsVersion = "1.2" | "1.3";
export const TLS_VERSIONS: readonly TlsVersion[] = ["1.2", "1.3"];

/** Each origin answers with what it verified in this header; `openssl s_server` puts it into the body */
export const SUBJECT_HEADER = "x-client-subject";
/** The client's port, which tells connections apart */
export const CONNECTION_HEADER = "x-client-port";

export interface OriginOptions {
  /** The only version that it speaks */
  tls: TlsVersion;
  /** What it proves itself with */
  server: Pick<IssuedCertificate, "certificatePem" | "chainPem" | "keyPem">;
  /** PEM of the one root that clients have to come from; it knows no intermediate */
  clientRoot: string;
  /** Intermediates that a client's chain may have; default 2. What each program calls depth is worked out from it. */
  depth?: number;
  /** Default only HTTP/1.1 */
  http2?: boolean;
  /** Paths under `/upstream/` are passed on there, where the program can: `127.0.0.1:port` */
  upstream?: string;
  /** Requests after which it closes a connection; default the program's own */
  requestsPerConnection?: number;
}

export interface Origin extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string;
  readonly port: number;
  /** All that the program printed until now */
  output(): string;
}

export type StartOrigin = (options: OriginOptions) => Promise<Origin>;

/** What the program has to be given, for one try on one port. */
export interface ServerDescription {
  command: string;
  parameters: string[];
  /** By name, in the scratch directory */
  files: Record<string, string>;
}

/** Somebody else may take a port between finding and using it. */
const TRIES = 5;

/** Starts the program that `describe` describes, in the foreground, with all its files in a directory of its own. */
export async function startOrigin(describe: (directory: string, port: number) => ServerDescription): Promise<Origin> {
  for (let tries = 1; ; tries++) {
    const directory = await mkdtemp(join(tmpdir(), "sallyport-interop-"));
    const remove = () => rm(directory, { recursive: true, force: true });
    const port = await findFreePort();
    const { command, parameters, files } = describe(directory, port);
    for (const [name, content] of Object.entries(files))
      await writeFile(join(directory, name), content, { mode: 0o600 });
    const outcome = await startServerProcess({ command, parameters, directory, port });
    if (outcome.ok) {
      const { running } = outcome;
      return {
        port,
        url: `https://localhost:${port}`,
        output: () => running.output(),
        async [Symbol.asyncDispose]() {
          await running.stop();
          await remove();
        },
      };
    }
    await remove();
    if (!outcome.isPortTaken || tries === TRIES) throw new Error(`"${command}" did not start: ${outcome.output}`);
  }
}
