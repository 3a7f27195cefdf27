/**
 * An attacker is verified for one host name and served under another. Whatever names the host must be the TLS server name
 * of an active domain (RFC 9110, section 7.4): Tomcat CVE-2025-66614, Traefik CVE-2026-32305 and -48491, Node
 * CVE-2026-48928. Each attacker here is a verified client of one account and goes for a route of another's host.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AskOptions, ask } from "../edge/harness/client.ts";
import { createWorkFolder, curl, opensslClient } from "../edge/harness/command.ts";
import { HOST } from "../edge/harness/edge.ts";
import { askHttp2, connectHttp2 } from "../edge/harness/http2-client.ts";
import { type Cut, startCutter } from "./harness/fragmented-hello.ts";
import { readAnswers, sendBytes, writeMessage } from "./harness/raw-http.ts";
import { OTHER_HOST, SIBLING_HOST, type Stack, startStack } from "./harness/stack.ts";

let stack: Stack;
let mark: string;
beforeAll(async () => {
  stack = await startStack();
});
beforeEach(() => {
  mark = randomUUID();
});
afterAll(() => stack[Symbol.asyncDispose]());

const target = () => `/v1/optional?${mark}`;

/** The same client, the same request, the right host: served, and verified. */
async function expectControl(): Promise<void> {
  const path = `/v1/example?control=${mark.slice(1)}`;
  expect((await ask(stack, { identity: stack.client, path })).status).toBe(200);
}

async function expectRefused(lines: string[], status: number): Promise<void> {
  const bytes = writeMessage([...lines.map((line) => line.replace("/PATH", target())), "connection: keep-alive"]);
  // A second request, in case that the first one did not end the connection
  const second = writeMessage([`GET ${target()}&second HTTP/1.1`, `host: ${HOST}`, "connection: close"]);
  const answer = await sendBytes(stack, bytes + second, { identity: stack.client });
  expect(answer.statuses).toEqual([status]);
  expect(answer.text).toMatch(/^connection: close\r$/im);
  expect(await stack.recorded(mark)).toEqual([]);
  await expectControl();
}

describe("names in Host", () => {
  it.each([
    ["another account's domain (Tomcat CVE-2025-66614)", OTHER_HOST],
    ["it in upper case (RFC 3986, section 3.2.2)", OTHER_HOST.toUpperCase()],
    ["it with a trailing dot (RFC 1034, section 3.1)", `${OTHER_HOST}.`],
    ["it with a port", `${OTHER_HOST}:443`],
    ["another domain of its own account", SIBLING_HOST],
    ["a name below its own, as a wildcard would match", `x.${HOST}`],
    ["the name above its own", "test"],
    ["a name that nobody has", "nobody.test"],
    ["an IPv4 literal", "127.0.0.1:8443"],
    ["localhost", "localhost"],
  ])("%s: 421 and the end of the connection", async (_, host) => {
    await expectRefused(["GET /PATH HTTP/1.1", `host: ${host}`], 421);
  });

  it.each([
    ["a wildcard", `*.${HOST}`],
    ["an IPv6 literal", "[::1]"],
    ["user information, its own name first", `${HOST}@${OTHER_HOST}`],
    ["user information, its own name last", `${OTHER_HOST}@${HOST}`],
    ["two names in a list", `${HOST}, ${OTHER_HOST}`],
    ["two names with a space", `${HOST} ${OTHER_HOST}`],
    ["two names with a tab", `${HOST}\t${OTHER_HOST}`],
    ["two ports", `${HOST}:443:443`],
    ["a port that cannot be", `${HOST}:70000`],
    ["a path", `${HOST}/x`],
    ["a fragment", `${HOST}#${OTHER_HOST}`],
    ["a query", `${HOST}?.${OTHER_HOST}`],
    ["a backslash (WHATWG URL, section 4.4)", `${HOST}\\@${OTHER_HOST}`],
    ["percent-encoding", `%61.test`],
    ["a byte beyond ASCII", "\xe0.test"],
    ["nothing", ""],
  ])("%s: 400 and the end of the connection", async (_, host) => {
    await expectRefused(["GET /PATH HTTP/1.1", `host: ${host}`], 400);
  });
});

describe("names the host twice, or not at all (RFC 9112, section 3.2)", () => {
  it.each([
    ["two Host headers, its own first", ["GET /PATH HTTP/1.1", `host: ${HOST}`, `host: ${OTHER_HOST}`]],
    ["two Host headers, its own last", ["GET /PATH HTTP/1.1", `host: ${OTHER_HOST}`, `host: ${HOST}`]],
    ["two Host headers that are the same", ["GET /PATH HTTP/1.1", `host: ${HOST}`, `HOST: ${HOST}`]],
    ["two Host headers in HTTP/1.0", ["GET /PATH HTTP/1.0", `host: ${HOST}`, `host: ${HOST}`]],
    ["two Host headers under a version that is none", ["GET /PATH HTTP/2.0", `host: ${HOST}`, `host: ${HOST}`]],
    ["no Host header", ["GET /PATH HTTP/1.1"]],
    ["no Host header in HTTP/1.0", ["GET /PATH HTTP/1.0"]],
    ["a Host header with a space before the colon", ["GET /PATH HTTP/1.1", `host : ${OTHER_HOST}`, `host: ${HOST}`]],
    ["a folded Host header", ["GET /PATH HTTP/1.1", "host:", ` ${OTHER_HOST}`, `host: ${HOST}`]],
    [
      "another account's domain in an absolute-form target",
      [`GET https://${OTHER_HOST}/PATH HTTP/1.1`, `host: ${HOST}`],
    ],
    [
      "its own in an absolute-form target, the other in Host",
      [`GET https://${HOST}/PATH HTTP/1.1`, `host: ${OTHER_HOST}`],
    ],
    ["user information in the target", [`GET https://${OTHER_HOST}@${HOST}/PATH HTTP/1.1`, `host: ${HOST}`]],
    ["a backslash in the target", [`GET https://${HOST}\\@${OTHER_HOST}/PATH HTTP/1.1`, `host: ${HOST}`]],
    ["a target of another scheme", [`GET ftp://${HOST}/PATH HTTP/1.1`, `host: ${HOST}`]],
    ["a target without a scheme", [`GET ${OTHER_HOST}/PATH HTTP/1.1`, `host: ${HOST}`]],
  ])("%s: 400 and the end of the connection", async (_, lines) => {
    await expectRefused(lines, 400);
  });

  it("the same other host in an absolute-form target and in Host: 421", async () => {
    await expectRefused([`GET https://${OTHER_HOST}/PATH HTTP/1.1`, `host: ${OTHER_HOST}`], 421);
  });

  it("a target that begins with two slashes: a path of its own host", async () => {
    const bytes = writeMessage([`GET //${OTHER_HOST}${target()} HTTP/1.1`, `host: ${HOST}`, "connection: close"]);
    expect((await sendBytes(stack, bytes, { identity: stack.client })).statuses).toEqual([404]);
    const [seen] = await stack.recorded(mark);
    expect([new URL(seen?.url ?? "").hostname, seen?.headers.host]).toEqual([HOST, HOST]);
  });
});

it.each(["A.TEST", "a.test.", "a.test:8443", "A.Test.:443", "a.test:"])(
  "spells its own host %s: the same host, verified",
  async (host) => {
    const answer = await ask(stack, { identity: stack.client, headers: { host }, path: `/v1/example?${mark}` });
    expect(answer.status).toBe(200);
    expect((await stack.recorded(mark))[0]?.headers["x-forwarded-host"]).toBe(
      host
        .toLowerCase()
        .replace(/\.(?=$|:)/, "")
        .replace(/:$/, ""),
    );
  },
);

describe("sends as server name", () => {
  it.each(["A.TEST", "a.test."])("its own host as %s: the same host, verified", async (hostname) => {
    const tls = { rejectUnauthorized: false };
    const answer = await ask(stack, { hostname, identity: stack.client, path: "/v1/example", tls });
    expect(answer.status).toBe(200);
  });

  it("another account's host, with its own certificate: not verified there (Traefik CVE-2026-32305)", async () => {
    const asked = { hostname: OTHER_HOST, path: "/v1/optional" };
    const status = async (identity: Stack["client"]) =>
      JSON.parse((await ask(stack, { ...asked, identity })).body).clientMtlsVerificationStatus;
    expect(await status(stack.client)).toBe("FAILED");
    expect(await status(stack.otherClient)).toBe("SUCCESS");
  });

  it.each([
    ["a name that nobody has", "nobody.test"],
    ["an IPv4 literal (RFC 6066, section 3)", "127.0.0.1"],
    ["a wildcard", "*.test"],
    ["a name that is none", "a..test"],
    ["a name with a space", "a.test b"],
  ])("%s and its own Host: 421", async (_, servername) => {
    await using folder = await createWorkFolder();
    await folder.write("client.pem", stack.client.chainPem);
    await folder.write("client.key", stack.client.keyPem);
    const connect = (name: string) => {
      const input = writeMessage([`GET ${target()} HTTP/1.1`, `host: ${HOST}`, "connection: close"]);
      const certificate = ["-cert", folder.path("client.pem"), "-key", folder.path("client.key")];
      const endWhen = /clientMtlsVerificationStatus|misdirected_request/;
      return opensslClient(stack, folder, ["-servername", name, ...certificate], { input, endWhen });
    };
    expect(readAnswers((await connect(servername)).stdout).statuses).toEqual([421]);
    expect(await stack.recorded(mark)).toEqual([]);
    expect((await connect(HOST)).stdout).toContain('"clientMtlsVerificationStatus":"SUCCESS"');
  });

  it("nothing: the default domain and no other, and nobody is verified (Traefik CVE-2026-48491)", async () => {
    const without = { hostname: "", identity: stack.client };
    expect((await ask(stack, { ...without, path: "/v1/example" })).problem()).toMatchObject({
      status: 401,
      reason: "no CA certificate applies to this server name",
    });
    expect((await ask(stack, { ...without, headers: { host: OTHER_HOST } })).status).toBe(421);
    expect((await ask(stack, { ...without, path: "/v1/optional" })).status).toBe(200);
    await expectControl();
  });

  it("nothing, since it asks for an address (curl)", async () => {
    await using folder = await createWorkFolder();
    const statusOf = async (hostname: string) => {
      const args = ["--output", folder.path("answer"), "--write-out", "%{http_code}"];
      return (await curl(stack, folder, args, hostname)).stdout;
    };
    expect(await statusOf("127.0.0.1")).toBe("421");
    expect(JSON.parse(await readFile(folder.path("answer"), "utf8"))).toMatchObject({ code: "misdirected_request" });
    expect(await statusOf(HOST)).toBe("404");
  });
});

describe("cuts its ClientHello into pieces (Traefik CVE-2026-48491)", () => {
  const CUTS: [string, Cut][] = [
    ["TLS records of 1 byte", { recordBytes: 1, segmentBytes: 16_384 }],
    ["TLS records of 40 bytes, each in a packet", { recordBytes: 40, segmentBytes: 45 }],
    ["packets of 1 byte", { recordBytes: 16_384, segmentBytes: 1 }],
    ["TLS records of 7 bytes in packets of 3", { recordBytes: 7, segmentBytes: 3 }],
  ];
  it.each(CUTS)("%s: judged like any other", async (_, cut) => {
    await using cutter = await startCutter(stack, cut);
    const statusFor = async (options: Pick<AskOptions, "hostname" | "identity">) =>
      JSON.parse((await ask(cutter, { ...options, path: "/v1/optional" })).body).clientMtlsVerificationStatus;
    expect(await statusFor({})).toBe("NONE");
    expect(await statusFor({ identity: stack.otherClient })).toBe("FAILED");
    expect(await statusFor({ hostname: OTHER_HOST, identity: stack.client })).toBe("FAILED");
    expect(await statusFor({ identity: stack.client })).toBe("SUCCESS");
  });
});

it("takes an HTTP/2 connection for another of the account's names (coalescing: RFC 9113, section 9.1.1): 421", async () => {
  const session = await connectHttp2(stack, { identity: stack.client });
  const goneAway = once(session, "goaway");
  const control = await askHttp2(session, { ":path": target() });
  expect(control.body).toContain('"clientMtlsVerificationStatus":"SUCCESS"');
  const answer = await askHttp2(session, { ":authority": SIBLING_HOST, ":path": target() });
  expect(answer.problem()).toMatchObject({ status: 421, code: "misdirected_request" });
  await goneAway;
  expect(await stack.recorded(mark)).toHaveLength(1);
  const own = await ask(stack, { hostname: SIBLING_HOST, identity: stack.client, path: target() });
  expect(own.body).toContain('"clientMtlsVerificationStatus":"SUCCESS"');
});
