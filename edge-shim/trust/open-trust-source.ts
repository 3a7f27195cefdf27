/** A trust source from what can be said of it in words, so that several edge processes can open one each. */
import { createControlTrustSource } from "./control-trust-source.ts";
import { createFileTrustSource } from "./file-trust-source.ts";
import type { TrustSource } from "./trust-source.ts";

export type TrustSourceOptions =
  /** A bundle file, read again when it changes */
  | { path: string }
  /** A control plane and an edge key of it; `cachePath` keeps the last good bundle */
  | { url: string; apiKey: string; cachePath: string };

export function openTrustSource(options: TrustSourceOptions): TrustSource {
  return "path" in options ? createFileTrustSource(options.path) : createControlTrustSource(options);
}
