/** Addresses of control planes, in one spelling, because an API key is only ever sent to the address it was kept for. */

/** Without the slash at the end; undefined for anything but http(s) without credentials, query and fragment. */
export function parseApiUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") return undefined;
  return url.href.replace(/\/+$/, "");
}

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether what is sent there stays on this machine. */
export function isLoopback(apiUrl: string): boolean {
  return LOOPBACK.test(new URL(apiUrl).hostname);
}
