/** Clients of a gateway: one connection pool a certificate, all of them trusting the edge's own CA. */
import { Agent, fetch, type RequestInit, type Response } from "undici";

/** What a client shows: a certificate with the intermediates above it, and its key. Both PEM. */
export interface ClientIdentity {
  chainPem: string;
  keyPem: string;
}

export interface GatewayRequestInit extends RequestInit {
  /** Without it the client has no certificate */
  certificate?: ClientIdentity;
}

export interface Clients {
  fetch(path: string, init?: GatewayRequestInit): Promise<Response>;
  /** When what is under way is answered */
  close(): Promise<void>;
}

export function createClients(url: string, edgeCaPem: string): Clients {
  const agents = new Map<string, Agent>();

  function findAgent(identity: ClientIdentity | undefined): Agent {
    const key = identity?.chainPem ?? "";
    const known = agents.get(key);
    if (known !== undefined) return known;
    const shown = identity === undefined ? {} : { cert: identity.chainPem, key: identity.keyPem };
    const agent = new Agent({ connect: { ca: edgeCaPem, ...shown } });
    agents.set(key, agent);
    return agent;
  }

  return {
    fetch: (path, { certificate, ...init } = {}) =>
      fetch(new URL(path, url), { ...init, dispatcher: findAgent(certificate) }),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()));
    },
  };
}
