/** haproxy in its two ways: the handshake fails for clients that it does not accept, or a rule of ours decides later. */
import { type Origin, type OriginOptions, startOrigin } from "./origin.ts";

/** `verify required`: a TLS alert */
export function startHaproxy(options: OriginOptions): Promise<Origin> {
  return start(options, "verify required", "");
}

/** The body of the rule's answer; `N` is OpenSSL's number for what is wrong (`X509_V_ERR_…`) */
export const RULE_ANSWER = "refused by a rule: ";

/** `crt-ignore-err all`: every handshake succeeds, and a rule answers 403 where `ssl_c_verify` is not 0 */
export function startHaproxyWithRule(options: OriginOptions): Promise<Origin> {
  const rule = `http-request return status 403 content-type text/plain lf-string "${RULE_ANSWER}%[ssl_c_verify]" unless { ssl_c_verify 0 }`;
  return start(options, "verify required ca-ignore-err all crt-ignore-err all", rule);
}

function start(options: OriginOptions, verify: string, rule: string): Promise<Origin> {
  const { server, clientRoot } = options;
  return startOrigin((directory, port) => ({
    command: "haproxy",
    parameters: ["-db", "-f", `${directory}/haproxy.cfg`],
    files: {
      "haproxy.cfg": configure(directory, port, options, verify, rule),
      "server.pem": server.chainPem + server.keyPem,
      "clients.pem": clientRoot,
    },
  }));
}

/** It has no depth: OpenSSL's 100 stays. */
function configure(directory: string, port: number, options: OriginOptions, verify: string, rule: string): string {
  const { tls, http2 = false, upstream = "127.0.0.1:9" } = options;
  const version = `ssl-min-ver TLSv${tls} ssl-max-ver TLSv${tls}`;
  const alpn = `alpn ${http2 ? "h2,http/1.1" : "http/1.1"}`;
  return `
global
  # Else two of them could share a port without a word.
  noreuseport
  maxconn 1000
defaults
  mode http
  timeout connect 30s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
frontend origin
  bind 127.0.0.1:${port} ssl crt ${directory}/server.pem ca-file ${directory}/clients.pem ${verify} ${version} ${alpn}
  http-after-response set-header X-Client-Subject "%[ssl_c_s_dn(,0,rfc2253)]"
  http-after-response set-header X-Client-Port "%[src_port]"
  http-after-response set-header X-Protocol "%[ssl_fc_alpn] %[ssl_fc_protocol]"
  ${rule}
  http-request set-header X-Client-Subject "%[ssl_c_s_dn(,0,rfc2253)]"
  http-request return status 200 content-type text/plain string "haproxy" unless { path_beg /upstream/ }
  default_backend upstream
backend upstream
  server one ${upstream}
`;
}
