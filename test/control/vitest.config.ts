/** The control-plane worker in workerd, with its real database, Durable Object and migrations, and a DNS of its own. */
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { Response } from "miniflare";
import { defineConfig } from "vitest/config";
import { MAX_WORKERS } from "../node-project.ts";

const control = fileURLToPath(new URL("../../src/control/", import.meta.url));
const BOOTSTRAP_SECRET = "bootstrap-secret-of-the-tests-0123456789";

/** DNS over HTTPS with records that tests set: `PUT /records?name=…` with the JSON answer, `GET /dns-query?name=…`. */
const answers = new Map<string, string>();

async function resolve(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const name = url.searchParams.get("name") ?? "";
  if (url.hostname !== "dns.test") return new Response("only dns.test is there", { status: 404 });
  if (request.method === "PUT") {
    answers.set(name, await request.text());
    return new Response(null, { status: 204 });
  }
  const answer = answers.get(`${name} ${url.searchParams.get("type")}`) ?? '{"Status":3}';
  return answer === "500" ? new Response(null, { status: 500 }) : new Response(answer);
}

export default defineConfig({
  plugins: [
    cloudflareTest(async () => ({
      wrangler: { configPath: `${control}wrangler.toml` },
      miniflare: {
        outboundService: resolve,
        bindings: {
          TEST_MIGRATIONS: await readD1Migrations(`${control}migrations`),
          TEST_BOOTSTRAP_KEY: `spk_bootstrap_${BOOTSTRAP_SECRET}`,
          SALLYPORT_BOOTSTRAP_ADMIN_KEY_SHA256: createHash("sha256").update(BOOTSTRAP_SECRET).digest("hex"),
          SALLYPORT_DNS_RESOLVER_URL: "https://dns.test/dns-query",
          SALLYPORT_MASTER_KEY: randomBytes(32).toString("base64"),
        },
      },
    })),
  ],
  test: {
    name: "control",
    maxWorkers: MAX_WORKERS,
    include: ["**/*.test.ts"],
    globalSetup: ["./global-setup.ts"],
    setupFiles: ["./setup.ts"],
  },
});
