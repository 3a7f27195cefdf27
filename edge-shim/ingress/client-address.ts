/**
 * Whose connection it is: the peer's address, or what a load balancer said in a PROXY header (proxied-connections.ts).
 * Whatever names a client asks here, and nothing else of the ingress reads `remoteAddress`.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

const clientAddress = Symbol("client address");
type ClientSocket = Socket & { [clientAddress]?: string };

/** The connection that Node's TLS socket took over; its own address is gone as soon as it is destroyed. */
export function tcpSocketOf(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { _parent?: Socket })._parent ?? socket;
}

export function setClientAddress(socket: Socket, address: string): void {
  (socket as ClientSocket)[clientAddress] = address;
}

/** IPv4-mapped addresses as IPv4. @param socket the TCP connection; `""` when it closed before anybody asked */
export function readClientAddress(socket: Socket): string {
  const address = (socket as ClientSocket)[clientAddress] ?? socket.remoteAddress ?? "";
  return address.replace(/^::ffff:/, "");
}
