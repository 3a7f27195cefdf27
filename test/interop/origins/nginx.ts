/**
 * nginx with `ssl_verify_client on`. It lets every handshake succeed and answers requests of clients that it does not
 * accept by itself, with 400 and a page that says why.
 */
import { type Origin, type OriginOptions, startOrigin } from "./origin.ts";

export function startNginx(options: OriginOptions): Promise<Origin> {
  const { server, clientRoot } = options;
  return startOrigin((directory, port) => ({
    command: "nginx",
    parameters: ["-p", directory, "-c", `${directory}/nginx.conf`, "-e", "stderr"],
    files: {
      "nginx.conf": configure(directory, port, options),
      "server.pem": server.chainPem,
      "server.key": server.keyPem,
      "clients.pem": clientRoot,
    },
  }));
}

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

function configure(directory: string, port: number, options: OriginOptions): string {
  const { tls, depth = 2, http2 = false, requestsPerConnection, upstream = "127.0.0.1:9" } = options;
  return `
daemon off;
# Of its own choice its workers would become another user, who may not enter the directory.
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 2;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${TEMPORARY.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  ${requestsPerConnection === undefined ? "" : `keepalive_requests ${requestsPerConnection};`}
  client_max_body_size 16m;
  server {
    listen 127.0.0.1:${port} ssl ${http2 ? "http2" : ""};
    server_name localhost;
    ssl_protocols TLSv${tls};
    ssl_certificate ${directory}/server.pem;
    ssl_certificate_key ${directory}/server.key;
    ssl_verify_client on;
    ssl_verify_depth ${depth};
    ssl_client_certificate ${directory}/clients.pem;
    add_header X-Client-Subject $ssl_client_s_dn always;
    add_header X-Client-Port $remote_port always;
    add_header X-Protocol "$server_protocol $ssl_protocol" always;
    location / { return 200 "nginx\\n"; }
    location /upstream/ {
      proxy_pass http://${upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $http_connection;
      proxy_set_header X-Client-Subject $ssl_client_s_dn;
    }
  }
}
`;
}
