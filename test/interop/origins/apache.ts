/** Apache httpd with `SSLVerifyClient require`: a TLS alert for clients that it does not accept. */
import { type Origin, type OriginOptions, startOrigin } from "./origin.ts";

export function startApache(options: OriginOptions): Promise<Origin> {
  const { server, clientRoot } = options;
  return startOrigin((directory, port) => ({
    command: "apache2",
    parameters: ["-D", "FOREGROUND", "-d", directory, "-f", `${directory}/apache.conf`],
    files: {
      "apache.conf": configure(directory, port, options),
      "server.pem": server.chainPem,
      "server.key": server.keyPem,
      "clients.pem": clientRoot,
    },
  }));
}

const MODULES_DIRECTORY = "/usr/lib/apache2/modules";
const MODULES = ["mpm_event", "authz_core", "ssl", "http2", "headers", "rewrite", "proxy", "proxy_http"];

function configure(directory: string, port: number, options: OriginOptions): string {
  const { tls, depth = 2, http2 = false, upstream = "127.0.0.1:9" } = options;
  return `
${MODULES.map((name) => `LoadModule ${name}_module ${MODULES_DIRECTORY}/mod_${name}.so`).join("\n")}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${directory}/apache.pid
DefaultRuntimeDir ${directory}
DocumentRoot ${directory}
Mutex posixsem default
ErrorLog /dev/stderr
LogLevel warn
# As root it insists on becoming somebody else; as somebody else it cannot, and says so.
User nobody
Group nogroup
KeepAliveTimeout 60
MaxKeepAliveRequests 0
Protocols ${http2 ? "h2" : "http/1.1"}
SSLSessionCache none
<VirtualHost 127.0.0.1:${port}>
  SSLEngine on
  SSLProtocol -all +TLSv${tls}
  SSLCertificateFile ${directory}/server.pem
  SSLCertificateKeyFile ${directory}/server.key
  SSLCACertificateFile ${directory}/clients.pem
  SSLVerifyClient require
  # Here the root counts.
  SSLVerifyDepth ${depth + 1}
  RequestHeader set X-Client-Subject "expr=%{SSL_CLIENT_S_DN}"
  Header always set X-Client-Subject "expr=%{SSL_CLIENT_S_DN}"
  Header always set X-Client-Port "expr=%{REMOTE_PORT}"
  Header always set X-Protocol "expr=%{SERVER_PROTOCOL} %{SSL_PROTOCOL}"
  ProxyPass /upstream/ http://${upstream}/upstream/
  RewriteEngine on
  RewriteRule ^/$ - [R=200]
</VirtualHost>
`;
}
