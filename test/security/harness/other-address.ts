/** Another address of this machine than the one that servers of ours listen on; on loopback, so that nobody else is asked. */
import { connect } from "node:net";

const OTHER_ADDRESS = "127.0.0.2";

/** What becomes of a connection to the port of `url` at that address: `connected`, or the code of the error */
export function connectAtOtherAddress(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), OTHER_ADDRESS, () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
