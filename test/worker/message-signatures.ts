/** Signs requests as a CDN would (RFC 9421, `hmac-sha256`): written out, and with nothing of the code under test. */
interface SignatureParts {
  components?: readonly string[];
  /** Seconds since the epoch; undefined leaves the parameter out */
  created?: number | undefined;
  /** Further parameters, as they are written */
  parameters?: string;
  label?: string;
}

/** The two fields to add to `request`. */
export async function signMessage(
  request: Request,
  secret: Uint8Array,
  { components = [], created, parameters = "", label = "sig" }: SignatureParts,
): Promise<{ "signature-input": string; signature: string }> {
  const { protocol, host, pathname, search, href } = new URL(request.url);
  const derived: Record<string, string> = {
    "@method": request.method,
    "@target-uri": href,
    "@authority": host,
    "@scheme": protocol.replace(":", ""),
    "@path": pathname,
    "@query": search || "?",
    "@status": "200",
  };
  const names = components.map((name) => `"${name}"`).join(" ");
  const input = `(${names})${created === undefined ? "" : `;created=${created}`}${parameters}`;
  const lines = components.map((name) => `"${name}": ${derived[name] ?? request.headers.get(name)}`);
  const base = [...lines, `"@signature-params": ${input}`].join("\n");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(base)));
  const signature = btoa(String.fromCharCode(...mac));
  return { "signature-input": `${label}=${input}`, signature: `${label}=:${signature}:` };
}
