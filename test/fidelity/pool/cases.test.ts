/** Asks the project in the vitest worker pool, by the test kit, as its owner's tests would; hosts/pool-host.ts runs it. */
import { exports } from "cloudflare:workers";
import { inject, it } from "vitest";
import { clientCertificate, noClientCertificate } from "../../../testing/worker/index.ts";
import type { PoolClient } from "./pool-case.ts";

const ORIGIN = "https://localhost";

function identify(client: PoolClient | undefined) {
  // As the clients of the other hosts connect
  const connection = { httpProtocol: "HTTP/1.1" } as const;
  if (client === undefined) return noClientCertificate(connection);
  const { chainPem: pem, certVerified: verdict, caCertificates } = client;
  return clientCertificate({ ...connection, pem, verdict, caCertificates });
}

for (const { name, method, path, headers, body, client } of inject("poolCases")) {
  it(name, async ({ task }) => {
    const sent = new Headers(headers);
    for (const [header, value] of Object.entries(await identify(client))) sent.set(header, value);
    // Bytes, which have no type of their own
    const bytes = body === undefined ? null : new TextEncoder().encode(body);
    const request = { method, headers: sent, redirect: "manual", body: bytes } as const;
    const response = await (exports as { default: Fetcher }).default.fetch(`${ORIGIN}${path}`, request);
    task.meta.poolAnswer = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    };
  });
}
