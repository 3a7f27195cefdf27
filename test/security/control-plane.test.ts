/**
 * Somebody with no key, or with a key of an account of his own, in front of a control plane that runs as in production.
 * What test/control proves by the way is pointed at in README.md; here is what somebody would try on purpose.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare, NoOpLog } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AttackedControlPlane,
  EMPTY_PROJECT,
  PROJECT,
  startAttackedControlPlane,
} from "./harness/control-plane.ts";
import { connectAtOtherAddress } from "./harness/other-address.ts";
import { bundleForWorkerd, describeWorker, REPOSITORY } from "./harness/workerd.ts";

interface Route {
  method: string;
  path: string;
}

let control: AttackedControlPlane;
let routes: Route[];

beforeAll(async () => {
  control = await startAttackedControlPlane();
  const { paths } = JSON.parse((await control.ask("GET", "/openapi.json")).text) as { paths: Record<string, object> };
  routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
  );
});
afterAll(async () => {
  await control?.[Symbol.asyncDispose]();
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const isRefusal = (status: number) => status >= 400 && status < 500;

/** `/v1/…/ca-certificates/{id}` with an account, a project and the ids of the victim. */
function fill(path: string, account: string, project: string): string {
  return path
    .replace("{account}", account)
    .replace("{project}", project)
    .replace(/([a-z-]+)\/\{(?:id|hostname|environment)\}/, (_, noun: string) => `${noun}/${control.victim.ids[noun]}`);
}

/** Everything that an account can see of itself */
async function describeAccount({ path, api }: AttackedControlPlane["victim"]): Promise<string> {
  const projects = [PROJECT, EMPTY_PROJECT].map((project) => `projects/${project}`);
  const nouns = ["", "/deployments", "/mtls-certificates", "/origin-cas"];
  const inProjects = projects.flatMap((project) => nouns.map((noun) => project + noun));
  const lists = ["projects", "api-keys", "ca-certificates", "custom-domains", ...inProjects];
  return JSON.stringify(await Promise.all(lists.map((list) => api("GET", `${path}/${list}`))));
}

describe("ids of others (OWASP API1:2023)", () => {
  const bodyFor = ({ method, path }: Route): object | undefined => {
    if (method === "PATCH") return path.includes("mtls") ? { environmentTypes: ["production"] } : { name: "stolen" };
    if (method === "PUT") return { environmentType: "production", buildId: "stolen" };
    return method === "POST" ? { name: "stolen" } : undefined;
  };
  const withIds = () => routes.filter(({ path }) => /\{account\}\/.*\{/.test(path));

  it("names what another account has, below an account of one's own", async () => {
    const before = await describeAccount(control.victim);
    const { attacker } = control;
    for (const route of withIds()) {
      const { method, path } = route;
      // Names of projects are an account's own affair: only the victim's ids can be named below a project.
      if (!/\{(id|hostname)\}/.test(path)) continue;
      const url = fill(path, attacker.name, PROJECT);
      expect([method, url, (await attacker.api(method, url, bodyFor(route))).status]).toEqual([method, url, 404]);
    }
    expect(await describeAccount(control.victim)).toBe(before);
  });

  it("names what another account has, below that account", async () => {
    const before = await describeAccount(control.victim);
    for (const route of withIds()) {
      const { method, path } = route;
      const url = fill(path, control.victim.name, PROJECT);
      const { status } = await control.attacker.api(method, url, bodyFor(route));
      expect([method, url, status]).toEqual([method, url, 404]);
      if (method === "GET") expect([url, (await control.victim.api(method, url)).status]).toEqual([url, 200]);
    }
    expect(await describeAccount(control.victim)).toBe(before);
  });

  it("names what another project of the account has", async () => {
    const before = await describeAccount(control.victim);
    for (const route of withIds()) {
      const { method, path } = route;
      if (!/\{project\}.*\{(id|environment)\}/.test(path) || method === "PUT") continue;
      const url = fill(path, control.victim.name, EMPTY_PROJECT);
      expect([method, url, (await control.victim.api(method, url, bodyFor(route))).status]).toEqual([method, url, 404]);
    }
    expect(await describeAccount(control.victim)).toBe(before);
  });
});

describe("another way to write a path", () => {
  const SPELLINGS = [
    "/v1/accounts/attacker/../victim/api-keys",
    "/v1/accounts/attacker/%2e%2e/victim/api-keys",
    "/v1/accounts/attacker%2f..%2fvictim/api-keys",
    "/v1/accounts/attacker/..;/victim/api-keys",
    "/v1/accounts/./victim/api-keys",
    "/v1/accounts/victim/api-keys/",
    "/v1/accounts/victim/api-keys?account=attacker",
    "/v1/accounts/victim/api-keys%00",
    "/v1/accounts/victim/api-keys;x=1",
    "/v1/accounts/%76ictim/api-keys",
    "/%761/accounts/victim/api-keys",
    "/%2576ictim/../v1/accounts/%2576ictim/api-keys",
    "//v1/accounts/victim/api-keys",
    "/v1//accounts/victim/api-keys",
    "/V1/ACCOUNTS/victim/api-keys",
    "/v1\\accounts\\victim\\api-keys",
    "/openapi.json/../v1/accounts/victim/api-keys",
    "http://localhost/v1/accounts/victim/api-keys",
  ];

  it("gets the owner what is written plainly", async () => {
    const { victim } = control;
    expect(await control.ask("GET", `${victim.path}/api-keys`, bearer(victim.key))).toMatchObject({
      status: 200,
      text: expect.stringContaining(victim.ids["api-keys"] ?? "?"),
    });
  });

  it.each(SPELLINGS)("leads around the check of keys or accounts: %s", async (path) => {
    for (const headers of [{}, bearer(control.attacker.key)]) {
      const { status, text } = await control.ask("GET", path, headers);
      expect([isRefusal(status), text.includes(control.victim.ids["api-keys"] ?? "")]).toEqual([true, false]);
    }
  });

  it.each(["HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY"])("is a method without a route: %s", async (method) => {
    for (const { path } of routes) {
      const url = fill(path, control.victim.name, PROJECT);
      for (const headers of [{}, bearer(control.attacker.key)]) {
        const { status } = await control.ask(method, url, headers);
        const isOwn = url === "/v1/accounts" || url === "/v1/who-am-i";
        if (!("authorization" in headers && isOwn)) expect([url, isRefusal(status)]).toEqual([url, true]);
      }
    }
  });

  it.each([
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-prefix",
    "x-forwarded-host",
    "mf-original-url",
  ])("is a header for proxies: %s", async (name) => {
    const { attacker, victim } = control;
    const values = ["DELETE", `${victim.path}/api-keys`, `http://localhost${victim.path}/api-keys`];
    const before = await describeAccount(attacker);
    for (const value of values) {
      const path = `${attacker.path}/api-keys`;
      const { text } = await control.ask("GET", path, { ...bearer(attacker.key), [name]: value });
      expect(text).not.toContain(victim.ids["api-keys"]);
      expect((await control.ask("GET", path, { [name]: value })).status).toBeGreaterThanOrEqual(400);
    }
    expect(await describeAccount(attacker)).toBe(before);
  });
});

describe("a key", () => {
  const whoAmI = (headers: Record<string, string | string[]>, query = "") =>
    control.ask("GET", `/v1/who-am-i${query}`, headers);

  it.each<[string, (key: string) => [Record<string, string>, string?]]>([
    ["in the query (RFC 6750, section 2.3)", (key) => [{}, `?access_token=${key}&api_key=${key}&key=${key}`]],
    [
      "in a cookie, which browsers send by themselves",
      (key) => [{ cookie: `authorization=Bearer ${key}; key=${key}` }],
    ],
    ["in other headers", (key) => [{ "x-api-key": key, "proxy-authorization": `Bearer ${key}` }]],
    ["as a password", (key) => [{ authorization: `Basic ${Buffer.from(`key:${key}`).toString("base64")}` }]],
    ["behind another one", (key) => [{ authorization: `Bearer spk_0_${"0".repeat(64)}, Bearer ${key}` }]],
    ["with more behind it", (key) => [{ authorization: `Bearer ${key}0` }]],
    ["of which the id is written otherwise", (key) => [{ authorization: `Bearer ${key.replace("spk_", "spk_%")}` }]],
  ])("is sent %s", async (_, place) => {
    const [headers, query] = place(control.victim.key);
    expect((await whoAmI(headers, query)).status).toBe(401);
    expect((await whoAmI(bearer(control.victim.key))).status).toBe(200);
  });

  it("is sent twice, in two Authorization headers", async () => {
    const line = (key: string) => `authorization: Bearer ${key}\r\n`;
    const { attacker, victim } = control;
    const lines = line(attacker.key) + line(victim.key);
    const answer = await control.sendRaw(`GET /v1/who-am-i HTTP/1.1\r\nhost: a\r\n${lines}connection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 40[01] /);
  });

  it("is looked for in every file of the control plane: only its hash is there", () => {
    const { stateDirectory, attacker, victim } = control;
    const entries = readdirSync(stateDirectory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const files = entries.map(({ parentPath, name }) => readFileSync(join(parentPath, name)));
    const isAnywhere = (text: string) => files.some((bytes) => bytes.includes(text));
    for (const { key } of [attacker, victim]) {
      const [, id = "?", secret = "?"] = key.split("_");
      expect([isAnywhere(id), isAnywhere(secret)]).toEqual([true, false]);
      expect(isAnywhere(Buffer.from(secret, "hex").toString("latin1"))).toBe(false);
    }
  });

  it("is guessed by the time that a comparison takes: each compares two hashes once, in constant time", async () => {
    const script = await bundleForWorkerd(`
      import { isSecretOf } from "${REPOSITORY}src/control/api-key.ts";
      import { sha256Hex } from "${REPOSITORY}src/control/random.ts";
      const { timingSafeEqual } = crypto.subtle;
      let sizes = [];
      crypto.subtle.timingSafeEqual = (a, b) => {
        sizes.push(a.byteLength, b.byteLength);
        return timingSafeEqual.call(crypto.subtle, a, b);
      };
      export default {
        async fetch() {
          const hash = await sha256Hex("right");
          const outcomes = [];
          for (const [secret, expected] of [["right", hash], ["wrong", hash], ["", hash], ["right", undefined]]) {
            sizes = [];
            outcomes.push([await isSecretOf(secret, expected), ...sizes]);
          }
          return Response.json(outcomes);
        },
      };`);
    await using worker = disposable(
      new Miniflare({
        ...{ host: "127.0.0.1", port: 0, cf: false, logRequests: false, log: new NoOpLog() },
        workers: [describeWorker("api-key", script)],
      }),
    );
    const outcomes = await (await fetch(await worker.ready)).json();
    expect(outcomes).toEqual([true, false, false, false].map((is) => [is, 64, 64]));
  });
});

function disposable(miniflare: Miniflare) {
  return { ready: miniflare.ready, [Symbol.asyncDispose]: () => miniflare.dispose() };
}

describe("a web page in the operator's browser", () => {
  it("calls from another origin: no answer allows it to read (CORS), and no cookie lets it in", async () => {
    const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
    for (const method of ["OPTIONS", "GET", "POST"]) {
      const answer = await control.ask(method, "/v1/accounts", { ...headers, "content-type": "text/plain" });
      expect([method, answer.status]).toEqual([method, 401]);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  });
});

describe("the network", () => {
  it("reaches the control plane at another address of the machine", async () => {
    expect(await connectAtOtherAddress(control.url)).toBe("ECONNREFUSED");
  });

  it.each([
    ["the proxy to its bindings", "/cdn-cgi/local/platform-proxy", { "mf-op": "GET", "mf-op-target": "DB" }],
    ["that with a secret", "/cdn-cgi/local/platform-proxy", { "mf-op": "GET", "mf-op-secret": "0".repeat(64) }],
    ["the explorer of its database", "/cdn-cgi/local/explorer/api/d1/database", {}],
    ["its triggers", "/cdn-cgi/local/scheduled", {}],
    ["another service", "/v1/who-am-i", { "mf-custom-fetch-service": "core:entry", "mf-route-override": "control" }],
  ])("speaks to what runs the worker: %s", async (_, path, headers) => {
    expect(isRefusal((await control.ask("GET", path, headers)).status)).toBe(true);
  });
});

describe("a body of 1 MiB", () => {
  const MIB = 1024 * 1024;
  const head = (lines: string) =>
    `POST ${control.attacker.path}/projects HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${control.attacker.key}\r\n` +
    `content-type: application/json\r\nconnection: close\r\n${lines}\r\n`;
  const name = "x".repeat(MIB);

  it.each([
    ["with its length", () => `${head(`content-length: ${MIB}\r\n`)}${name}`],
    ["in one chunk", () => `${head("transfer-encoding: chunked\r\n")}${MIB.toString(16)}\r\n${name}\r\n0\r\n\r\n`],
    [
      "in chunks of 1 KiB",
      () => `${head("transfer-encoding: chunked\r\n")}${`400\r\n${"x".repeat(1024)}\r\n`.repeat(1024)}0\r\n\r\n`,
    ],
  ])("is sent %s", async (_, bytes) => {
    expect(await control.sendRaw(bytes())).toMatch(/^HTTP\/1.1 413 /);
    expect((await control.ask("GET", "/v1/who-am-i", bearer(control.attacker.key))).status).toBe(200);
  });
});
