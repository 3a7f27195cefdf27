/** The local stack's administrator of its own control plane: what has to be there is made, and made once. */
import { CliError } from "../output.ts";

export interface Admin {
  /** Conflicts and what is gone already count as done. */
  ensure(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<void>;
  /** The new key */
  create(path: string, body: object): Promise<string>;
  find(path: string): Promise<{ id: string; name: string }[]>;
}

export function createAdmin(url: string, key: string): Admin {
  async function send(method: string, path: string, body?: object): Promise<Response> {
    return fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  }
  async function expectOk(response: Response, ...allowed: number[]): Promise<void> {
    if (response.ok || allowed.includes(response.status)) return;
    throw new CliError(`the control plane answered ${response.status}: ${await response.text()}`);
  }
  return {
    ensure: async (method, path, body) => expectOk(await send(method, path, body), 404, 409),
    async create(path, body) {
      const response = await send("POST", path, body);
      await expectOk(response);
      return ((await response.json()) as { key: string }).key;
    },
    async find(path) {
      const response = await send("GET", path);
      await expectOk(response);
      return ((await response.json()) as { data: { id: string; name: string }[] }).data;
    },
  };
}
