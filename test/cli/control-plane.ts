/** A real control plane on a free port with a state directory of its own, and what a test needs to be in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { createEmbeddedControlPlane } from "../../cli/control/control-child.ts";
import { findFreePort } from "../../cli/stack/ports.ts";
import { openStateDirectory } from "../../cli/stack/state-directory.ts";

export interface TestControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly adminKey: string;
  /** The body of the answer. @throws Error for any status but 2xx */
  send<Body = Record<string, unknown>>(method: string, path: string, body?: object): Promise<Body>;
  /** Makes an account with these projects; its API key. */
  createAccount(name: string, ...projects: string[]): Promise<string>;
}

export async function startControlPlane(dnsServers: string[] = []): Promise<TestControlPlane> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-cli-control-"));
  const { url, adminKey, child } = createEmbeddedControlPlane(
    openStateDirectory(directory),
    { port: await findFreePort(), managedDomainBase: "localhost", dnsServers },
    pino({ level: "silent" }),
  );
  await child.start();

  async function send<Body>(method: string, path: string, body?: object): Promise<Body> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as Body;
  }

  return {
    url,
    adminKey,
    send,
    async createAccount(name, ...projects) {
      await send("POST", "/v1/accounts", { name });
      for (const project of projects) await send("POST", `/v1/accounts/${name}/projects`, { name: project });
      const { key } = await send<{ key: string }>("POST", `/v1/accounts/${name}/api-keys`, { name: "laptop" });
      return key;
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
