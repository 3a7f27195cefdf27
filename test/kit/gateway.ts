/** The example project's worker, as tests reach it. */
import { exports } from "cloudflare:workers";

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: { default: ExportedHandler };
    }
  }
}

export function fetchGateway(path: string, headers: Record<string, string> = {}, init: RequestInit = {}) {
  return exports.default.fetch(`https://localhost${path}`, { ...init, headers });
}

/** What the example's routes answer, as far as tests look at it. */
export interface Answer {
  code?: string;
  reason?: string;
  hint?: string;
  url?: string;
  headers?: Record<string, string>;
  user?: { sub?: string; data: { mtlsAuth: Record<string, unknown> } };
  clientMtlsVerificationStatus?: string;
  clientMtlsVerificationReason?: string;
  incomingRequestProperties?: Record<string, unknown>;
}

export async function askGateway(path: string, headers?: Record<string, string>): Promise<Answer & { status: number }> {
  const response = await fetchGateway(path, headers);
  return { ...(await response.json<Answer>()), status: response.status };
}
