/** Miniflare does not notice that its workerd died: this ends the process, and whoever supervises it starts another. */
import { connect, type NetConnectOpts } from "node:net";

/** @param address where workerd listens, from now on */
export function endWithWorkerd(address: NetConnectOpts): void {
  process.on("SIGCHLD", () => {
    const attempt = connect(address, () => attempt.destroy());
    attempt.on("error", () => process.exit(1));
  });
}
