/** Before any test: are the servers there, and which ones are they? */
import { describeMissing, findMissing, SERVERS, versionOf } from "./origins/installed.ts";

export default function setup(): void {
  const missing = findMissing();
  if (missing.length > 0) throw new Error(describeMissing(missing));
  console.log(`origins: ${SERVERS.map(versionOf).join(", ")}`);
}
