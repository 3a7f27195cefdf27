/**
 * TXT look-ups for the control-plane worker, which has no sockets for DNS: HTTP on loopback, answered in the JSON form
 * of DNS over HTTPS from this machine's resolvers, or from the servers that were named.
 */
import { Resolver } from "node:dns/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const NOERROR = 0;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const TXT = 16;
const LOOKUP_TIMEOUT_MS = 2_000;
const NO_SUCH_RECORD = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * @param servers `address` or `address:port`; empty for the resolvers of this machine
 * @returns the URL to ask; the listener lives as long as the process
 */
export async function startDnsBridge(servers: readonly string[]): Promise<string> {
  const resolver = new Resolver({ timeout: LOOKUP_TIMEOUT_MS, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://localhost").searchParams.get("name") ?? "";
    lookUpTxt(resolver, name).then((answer) => {
      response.setHeader("content-type", "application/dns-json");
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dns-query`;
}

async function lookUpTxt(resolver: Resolver, name: string) {
  try {
    const records = await resolver.resolveTxt(name);
    const Answer = records.map((strings) => ({ name, type: TXT, data: JSON.stringify(strings.join("")) }));
    return { Status: NOERROR, Answer };
  } catch (error) {
    return { Status: NO_SUCH_RECORD.has((error as NodeJS.ErrnoException).code ?? "") ? NXDOMAIN : SERVFAIL };
  }
}
