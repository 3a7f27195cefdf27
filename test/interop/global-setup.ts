/** Before any test: are the servers there, and which ones are they? */
import { describeMissing, findMissing, SERVERS, versionOf } from "./origins/installed.ts";

export default function setup(): void {
  const missing = findMissing();
  if (missing.length > 0) {
    // An error would come with stacks, and with vitest's own opinion that there are no tests.
    console.error(describeMissing(missing));
    process.exit(1);
  }
  console.log(`origins: ${SERVERS.map(versionOf).join(", ")}`);
}
