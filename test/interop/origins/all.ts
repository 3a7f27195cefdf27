/** The origins as the tests go through them. */
import type { Answer } from "../../egress/harness/egress.ts";
import { startApache } from "./apache.ts";
import { startHaproxy, startHaproxyWithRule } from "./haproxy.ts";
import { startNginx } from "./nginx.ts";
import { readSubject, startOpenssl } from "./openssl.ts";
import { type StartOrigin, SUBJECT_HEADER } from "./origin.ts";

export interface OriginProgram {
  name: string;
  start: StartOrigin;
  /** Ends handshakes of clients that it does not accept with a TLS alert, rather than answering them by HTTP */
  sendsAlerts: boolean;
  /** Looks at {@link OriginOptions.depth} */
  hasDepth: boolean;
}

export const PROGRAMS: readonly OriginProgram[] = [
  { name: "nginx", start: startNginx, sendsAlerts: false, hasDepth: true },
  { name: "haproxy", start: startHaproxy, sendsAlerts: true, hasDepth: false },
  { name: "haproxy with crt-ignore-err", start: startHaproxyWithRule, sendsAlerts: false, hasDepth: false },
  { name: "Apache httpd", start: startApache, sendsAlerts: true, hasDepth: true },
  { name: "openssl s_server", start: startOpenssl, sendsAlerts: true, hasDepth: true },
];

/** The subject of the certificate that the origin verified, as it says in its answer. */
export function subjectIn({ headers, text }: Answer): string | undefined {
  const header = headers[SUBJECT_HEADER];
  return typeof header === "string" ? header : readSubject(text);
}
