/** The pages whose commands are run. A page of commands that need nothing but a fresh folder is one line here. */
import { ACCOUNT_ID, TOKEN } from "../cloudflare/cloudflare-api.ts";

export interface Page {
  path: string;
  /** Where a reader is who reads it. Default: an empty folder in which `npx sallyport` is the package */
  start?: "empty" | "project" | "checkout";
  /** Commands that a reader of the page has run before; `<folder>` is where it starts, `<repository>` this one */
  before?: string[];
  /** What a reader writes, or reads, in place of a text of the page */
  placeholders?: Record<string, string>;
  /** A heading at which to stop */
  until?: string;
}

export const PAGES: readonly Page[] = [
  { path: "docs/client-mtls.md" },
  { path: "docs/origin-mtls.md" },
  { path: "docs/migrating-from-zuplo.md" },
  {
    path: "docs/deployment.md",
    start: "project",
    before: [
      "npx sallyport pki init && npx sallyport pki issue",
      "<node> <repository>/test/docs/cloudflare-process.ts ../cloudflare.url",
      'export CLOUDFLARE_API_BASE_URL="$(cat ../cloudflare.url)"',
    ],
    placeholders: {
      "CLOUDFLARE_API_TOKEN=…": `CLOUDFLARE_API_TOKEN=${TOKEN}`,
      "CLOUDFLARE_ACCOUNT_ID=…": `CLOUDFLARE_ACCOUNT_ID=${ACCOUNT_ID}`,
    },
  },
  {
    path: "docs/operations.md",
    start: "project",
    before: [
      'export PATH="<workshop>/node_modules/.bin:$PATH"',
      "npx sallyport pki init && npx sallyport pki issue && npx sallyport pki issue --name first",
      "sallyport control --state-dir <folder>/state",
      "export SALLYPORT_API_URL=http://127.0.0.1:8444 SALLYPORT_API_KEY=$(cat state/admin-key)",
      `post() { curl -f "$SALLYPORT_API_URL$1" -H "authorization: Bearer $SALLYPORT_API_KEY" -H "content-type: application/json" -d "$2"; }`,
      `post /v1/accounts '{ "name": "acme" }' && post /v1/accounts/acme/projects '{ "name": "shop" }'`,
      `id="$(post /v1/api-keys '{ "name": "edge-0", "scope": "edge" }' | node -p 'JSON.parse(require("fs").readFileSync(0)).id')"`,
      `post /v1/api-keys '{ "name": "edge-1", "scope": "edge" }' >edge.json`,
      `export SALLYPORT_EDGE_KEY="$(node -p 'JSON.parse(require("fs").readFileSync("edge.json")).key')"`,
      "sallyport serve --no-origin --control-url $SALLYPORT_API_URL --account acme --project shop --state-dir edge",
      "sallyport mtls-certificate create --name origin --cert first.pem --key first.key --environment-type production --account acme --project shop",
      "cp state/master-key master-key && pid=$(pgrep -f 'sallyport control --state-dir <folder>/state')",
    ],
    placeholders: {
      "/var/lib/sallyport": "<folder>/state",
      "api.example.com": "shop.acme.localhost",
      "127.0.0.1:443": "127.0.0.1:8443",
    },
  },
  {
    path: "docs/troubleshooting.md",
    start: "project",
    before: ["npx sallyport dev --metrics-port 9464"],
    placeholders: { "/v1/example": "/v1/hello" },
  },
  {
    path: "README.md",
    start: "checkout",
    until: "## What it does",
  },
];
