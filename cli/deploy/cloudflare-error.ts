/** What an error of Cloudflare's API means for whoever deploys. */
import { toPrintable } from "../output/printable.ts";
import { CliError } from "../output.ts";

export interface CloudflareFailure {
  /** `GET /zones` */
  what: string;
  status: number;
  errors: readonly { code: number; message: string }[];
  /** Seconds, as the header has it */
  retryAfter: string | null;
}

const PERMISSIONS =
  'the token needs "Workers Scripts: Edit" and "SSL and Certificates: Edit" for the account, and "SSL and Certificates: Edit" for the zone of each --hostname';
const AGAIN = "run the command again: what is done already is found and not done twice";

export function explainCloudflareError({ what, status, errors, retryAfter }: CloudflareFailure): CliError {
  const said = errors.map(({ code, message }) => `${message} [code: ${code}]`).join("; ") || "no reason given";
  return new CliError(toPrintable(`Cloudflare answers ${what} with ${status}: ${said}`), hintFor(status, retryAfter));
}

/** @param status undefined where it is not known */
export function hintFor(status: number | undefined, retryAfter: string | null): string {
  switch (status) {
    case 400:
      return "the request was understood and refused: correct what the message says";
    case 401:
      return "CLOUDFLARE_API_TOKEN is not accepted: it was revoked, expired, or is not the whole token";
    case 403:
      return PERMISSIONS;
    case 404:
      return "check CLOUDFLARE_ACCOUNT_ID, and that the token is of an account that has it";
    case 409:
      return "somebody changed the same thing at the same time, or it is in use: look at wrangler cert list";
    case 429: {
      const wait = /^\d+$/.test(retryAfter ?? "") ? `${retryAfter} seconds` : "five minutes";
      return `too many requests for this account: wait ${wait} and ${AGAIN}`;
    }
    default:
      return (status ?? 0) >= 500 ? `Cloudflare has trouble, see https://www.cloudflarestatus.com; ${AGAIN}` : AGAIN;
  }
}
