/** curl, as the guides use it. */
import { runCommand } from "./sallyport.ts";

export interface CurlAnswer {
  status: number;
  body: string;
  /** Lower-case names */
  headers: Record<string, string>;
  json<Value = Record<string, unknown>>(): Value;
}

export interface Certificate {
  cert: string;
  key: string;
}

export type Curl = (path: string, certificate?: Certificate, ...extra: string[]) => Promise<CurlAnswer>;

/** @throws Error when curl got no HTTP answer */
export function createCurl(edgeUrl: string, edgeCa: string): Curl {
  return async (path, certificate, ...extra) => {
    const identity = certificate === undefined ? [] : ["--cert", certificate.cert, "--key", certificate.key];
    const { code, stdout, stderr } = await runCommand("curl", [
      ...["--silent", "--show-error", "--include", "--http1.1", "--max-time", "30", "--cacert", edgeCa],
      ...identity,
      ...extra,
      path.startsWith("https://") ? path : `${edgeUrl}${path}`,
    ]);
    if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
    return parseAnswer(stdout);
  };
}

function parseAnswer(text: string): CurlAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const body = rest.join("\r\n\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(" ")[1]),
    body,
    headers: Object.fromEntries(headers),
    json: () => JSON.parse(body),
  };
}
