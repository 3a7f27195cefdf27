/** HAProxy as a part of a benchmark. */
import { findVersion } from "./foreground-server.ts";

/** `HAProxy version 2.6.12`; undefined where there is none. */
export function findHaproxyVersion(): string | undefined {
  return findVersion("haproxy", "-v", /HAProxy version [\d.]+/);
}
