/** Whose account at Cloudflare, and by which token: the variables that wrangler reads, so that both act for the same one. */
import { CliError } from "../output.ts";

export interface CloudflareAccount {
  /** Without a slash at its end */
  baseUrl: string;
  accountId: string;
  /** A secret: in headers only */
  token: string;
}

const DEFAULT_BASE_URL = "https://api.cloudflare.com/client/v4";
const LOOPBACK_HOSTS = ["127.0.0.1", "[::1]", "localhost"];
const ACCOUNT_ID = /^[0-9a-f]{32}$/;

/**
 * @param configured `account_id` of the project's wrangler configuration
 * @throws CliError for what is missing or cannot be
 */
export function readCloudflareAccount(environment: NodeJS.ProcessEnv, configured: unknown): CloudflareAccount {
  const token = environment.CLOUDFLARE_API_TOKEN?.trim();
  const accountId = environment.CLOUDFLARE_ACCOUNT_ID?.trim() || configured;
  if (!token) {
    throw new CliError(
      "CLOUDFLARE_API_TOKEN is not set",
      "make a token at https://dash.cloudflare.com/profile/api-tokens that may edit Workers Scripts, and SSL and Certificates of the account and the zone",
    );
  }
  if (typeof accountId !== "string" || !ACCOUNT_ID.test(accountId)) {
    throw new CliError(
      accountId === undefined
        ? "CLOUDFLARE_ACCOUNT_ID is not set"
        : `"${accountId}" is not an account id, expected 32 hexadecimal digits`,
      "it stands in the dashboard, under Workers & Pages; or set account_id in wrangler.toml",
    );
  }
  return { baseUrl: readBaseUrl(environment.CLOUDFLARE_API_BASE_URL), accountId, token };
}

/** The token goes there: over TLS, or to this machine. */
function readBaseUrl(text = DEFAULT_BASE_URL): string {
  const url = URL.parse(text);
  const isLoopback = url?.protocol === "http:" && LOOPBACK_HOSTS.includes(url.hostname);
  if (url?.protocol === "https:" || isLoopback) return text.replace(/\/+$/, "");
  throw new CliError(`CLOUDFLARE_API_BASE_URL is "${text}", allowed are https:// and http:// on loopback`);
}
