/** New TLS connections with a client certificate, one full handshake each. */
import { createSecureContext } from "node:tls";
import type { HandshakeLoad } from "./handshake-process.ts";
import { runAsLoadThread } from "./run-as-load-thread.ts";
import { shakeHands } from "./shake-hands.ts";

/** Each leaves a local port in TIME_WAIT for a minute, and there are about 28,000 of them. */
const HANDSHAKES_MAX = 8_000;

runAsLoadThread<HandshakeLoad>(({ port, identity, servernames = [identity.servername] }) => {
  const context = createSecureContext({ ca: identity.ca, cert: identity.cert, key: identity.key });
  let started = 0;
  return () => async () => {
    if (started >= HANDSHAKES_MAX) throw new Error(`${HANDSHAKES_MAX} handshakes were over before the time was`);
    const servername = servernames[started % servernames.length] ?? "";
    started += 1;
    await shakeHands({ port, servername, context });
  };
});
