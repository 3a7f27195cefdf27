/** The control plane's API, as a script would use it. */
import { readFileSync } from "node:fs";

export interface ControlAnswer<Body> {
  status: number;
  body: Body;
}

export type ControlApi = <Body = Record<string, unknown>>(
  method: string,
  path: string,
  body?: object,
) => Promise<ControlAnswer<Body>>;

/** @param key the API key, or the path of a file with it */
export function createControlApi(url: string, key: string): ControlApi {
  const apiKey = key.startsWith("spk_") ? key : readFileSync(key, "utf8").trim();
  return async <Body>(method: string, path: string, body?: object) => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${apiKey}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as Body };
  };
}
