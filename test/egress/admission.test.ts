/** Who may ask the egress for what: it is not an open proxy, and nobody takes its refusal for an origin's answer. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEgressTokens } from "../../edge-shim/egress/token.ts";
import { EGRESS_CALL_HEADER, EGRESS_FAILURE_HEADER } from "../../src/contract/egress.ts";
import { PROJECT, readAnswer, startTestEgress, TEST_SECRET, type TestEgress } from "./harness/egress.ts";
import { type Origin, startOrigin } from "./harness/origin.ts";
import { createTestPki, type TestPki } from "./harness/pki.ts";

let pki: TestPki;
let origin: Origin;
let egress: TestEgress;

beforeAll(async () => {
  pki = await createTestPki();
  origin = await startOrigin(pki);
  egress = await startTestEgress(pki.outbound());
});
afterAll(async () => {
  await egress[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const pairsOf = (headers: Record<string, string>) => Object.entries(headers).flat();

describe("the token", () => {
  const otherSecret = createEgressTokens(Buffer.alloc(32, 8));
  const sameSecret = createEgressTokens(TEST_SECRET);
  const altered = (token: string) => `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;

  it("of the project opens its certificates", async () => {
    const answer = await egress.ask(`${origin.url}/`, { token: sameSecret.issue(PROJECT) });
    expect([answer.status, answer.failure]).toEqual([200, undefined]);
  });

  it.each([
    ["none", () => ""],
    ["a wrong one", () => "wrong"],
    ["one that is a character too long", () => `${sameSecret.issue(PROJECT)}A`],
    ["one that differs in its last character", () => altered(sameSecret.issue(PROJECT))],
    ["another spelling of the same bytes", () => `${sameSecret.issue(PROJECT)}=`],
    ["another project's", () => sameSecret.issue("acme/other")],
    ["that of another secret", () => otherSecret.issue(PROJECT)],
  ])("%s is refused, and the answer is no origin's", async (_, token) => {
    const before = origin.requests.length;
    const answer = await egress.ask(`${origin.url}/`, { token: token() });
    expect(answer.status).toBe(403);
    expect(answer.failure).toMatchObject({
      code: "mtls_certificate_not_found",
      reason: expect.stringContaining("token"),
    });
    expect(origin.requests).toHaveLength(before);
  });

  it("of one project does not open another's that is named beside it", async () => {
    const answer = await egress.ask(`${origin.url}/`, { project: "acme/other" });
    expect([answer.status, answer.failure?.code]).toEqual([403, "mtls_certificate_not_found"]);
  });

  it("that is refused is counted, and does not fill the log", async () => {
    await using quiet = await startTestEgress(pki.outbound());
    await quiet.ask(`${origin.url}/`, { token: "wrong" });
    await quiet.ask(`${origin.url}/`);
    expect(await quiet.waitForEvents()).toMatchObject([{ event: "egress", status: 200 }]);
    expect(await quiet.metrics.print()).toMatch(/^sallyport_egress_refused_total 1$/m);
  });

  it("and all that it opens count for nothing when they come twice", async () => {
    const pairs = pairsOf(egress.headers(`${origin.url}/`));
    const sent = request(egress.url, { headers: [...pairs, ...pairs], agent: false });
    expect(await readAnswer(sent)).toMatchObject({ status: 403, failure: { code: "mtls_certificate_not_found" } });
  });

  it.each([
    ["a field less", (call: string) => call.split(" ").slice(1).join(" ")],
    ["no project and no certificate", (call: string) => call.split(" ")[0] ?? ""],
    ["tabs for spaces", (call: string) => call.replaceAll(" ", "\t")],
    ["two spaces in a place of one", (call: string) => call.replace(" ", "  ")],
  ])("counts for nothing in a call with %s", async (_, change) => {
    const before = origin.requests.length;
    const call = egress.headers(`${origin.url}/`)[EGRESS_CALL_HEADER] ?? "";
    const sent = request(egress.url, { headers: { [EGRESS_CALL_HEADER]: change(call) }, agent: false });
    expect((await readAnswer(sent)).status).toBe(403);
    expect(origin.requests).toHaveLength(before);
  });

  it("cannot be left to a secret that could be guessed", () => {
    expect(() => createEgressTokens(Buffer.alloc(31))).toThrow(TypeError);
  });
});

it("a browser that comes by gets a refusal", async () => {
  const text = await egress.sendRaw(
    "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Mozilla/5.0\r\nconnection: close\r\n\r\n",
  );
  expect(text).toMatch(/^HTTP\/1.1 403 /);
  expect(text).toContain(`${EGRESS_FAILURE_HEADER}: mtls_certificate_not_found`);
});

it("CONNECT opens no tunnel", async () => {
  const { port, hostname } = new URL(egress.url);
  const socket = connect(Number(port), hostname);
  socket.write(`CONNECT localhost:${origin.port} HTTP/1.1\r\nhost: localhost:${origin.port}\r\n\r\n`);
  socket.on("error", () => {}).resume();
  await once(socket, "close");
  expect(socket.bytesRead).toBe(0);
});

describe("what Node would refuse by itself", () => {
  const lines = (more: string) => {
    const headers = Object.entries(egress.headers(`${origin.url}/`)).map(([name, value]) => `${name}: ${value}\r\n`);
    return `GET / HTTP/1.1\r\n${headers.join("")}${more}connection: close\r\n\r\n`;
  };

  it.each([
    ["headers over the limit", () => lines(`host: x\r\nx-large: ${"a".repeat(70_000)}\r\n`)],
    ["bytes that are no HTTP", () => "nonsense\r\n\r\n"],
    ["two lengths of one body", () => lines("host: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n")],
    ["a version that does not exist", () => "GET / HTTP/9.9\r\n\r\n"],
  ])("%s is told as a failure", async (_, bytes) => {
    const text = await egress.sendRaw(bytes());
    expect(text).toMatch(/^HTTP\/1.1 522 /);
    expect(text).toContain(`${EGRESS_FAILURE_HEADER}: origin_unreachable`);
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n")))).toHaveProperty("hint");
  });

  it.each([
    ["no Host", ""],
    ["an expectation that nobody knows", "host: x\r\nexpect: a-miracle\r\n"],
  ])("%s is no reason to refuse", async (_, more) => {
    expect(await egress.sendRaw(lines(more))).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe("the target", () => {
  it.each([
    ["plain http:", "http://localhost/", /"http:\/\/localhost" cannot be shown a client certificate, found http:/],
    ["ws:", "ws://localhost/", /found ws:/],
    ["a file", "file:///etc/passwd", /found file:/],
    ["a path", "/etc/passwd", /not an absolute URL/],
    ["a host alone", "localhost", /not an absolute URL/],
    ["a scheme-relative URL", "//localhost/", /not an absolute URL/],
    ["nothing", "", /not an absolute URL/],
    ["a user", "https://user@localhost/", /user name or password/],
    ["a password", "https://:secret@localhost/", /user name or password/],
    ["a space", "https://localhost/a b", /not an absolute URL/],
    ["a tab, which URL parsers drop", "https://local\thost/", /not an absolute URL/],
    ["a byte over ASCII", "https://localhost/\xe9", /not an absolute URL/],
    ["a port that is none", "https://localhost:65536/", /not an absolute URL/],
  ])("that is %s is refused", async (_, target, reason) => {
    const { status, failure } = await egress.ask(target);
    expect([status, failure?.code]).toEqual([522, "origin_unreachable"]);
    expect(failure?.reason).toMatch(reason);
    expect(failure?.reason).not.toContain("secret");
  });

  it("may be anything that a URL can be, and arrives as it is", async () => {
    const path = "/a%2Fb/%00/;p=1/..%2f/?q=1&q=2&r=%0d%0a+%C3%A9|";
    const answer = await egress.ask(`${origin.url}${path}`);
    expect(JSON.parse(answer.text)).toMatchObject({ path });
  });

  it("loses its fragment, which is no origin's business", async () => {
    const answer = await egress.ask(`${origin.url}/a?b#c`);
    expect(JSON.parse(answer.text)).toMatchObject({ path: "/a?b" });
  });

  it("says where a request goes, whatever path and Host it came with", async () => {
    const headers = { ...egress.headers(`${origin.url}/meant`), host: "elsewhere.test" };
    const answer = await readAnswer(request(`${egress.url}/other`, { headers, agent: false }));
    const { path, rawHeaders } = JSON.parse(answer.text);
    expect([path, rawHeaders[1]]).toEqual(["/meant", `localhost:${origin.port}`]);
  });
});

describe("this machine and its link", () => {
  const spellings = (port: number) =>
    [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "%31%32%37.0.0.1",
      "127.255.255.254",
      "0.0.0.0",
      "0",
      "[::1]",
      "[::]",
      "[0:0:0:0:0:0:0:1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "169.254.169.254",
      "[::ffff:169.254.169.254]",
      "[fe80::1]",
      "224.0.0.1",
      "255.255.255.255",
      "localhost",
      "LOCALHOST",
    ].map((host) => `https://${host}:${port}/`);

  it("are not connected to, in any spelling", async () => {
    await using strict = await startTestEgress({ ...pki.outbound(), allowedNetworks: [] });
    for (const target of spellings(origin.port)) {
      const { status, failure } = await strict.ask(target);
      expect([target, status, failure?.code]).toEqual([target, 522, "origin_unreachable"]);
      expect(failure?.reason).toContain("to which the egress does not connect");
      expect(failure?.hint).toContain("--egress-allow");
    }
  });

  it("are when the network is allowed, and only that", async () => {
    await using narrow = await startTestEgress({ ...pki.outbound(), allowedNetworks: ["127.0.0.1"] });
    expect((await narrow.ask(`${origin.url}/`)).status).toBe(200);
    expect((await narrow.ask(`https://127.0.0.1:${origin.port}/`)).status).toBe(200);
    expect((await narrow.ask(`https://127.0.0.2:${origin.port}/`)).failure?.reason).toContain("127.0.0.2");
  });

  it("are refused to WebSockets as well", async () => {
    await using strict = await startTestEgress({ ...pki.outbound(), allowedNetworks: [] });
    const headers = { connection: "upgrade", upgrade: "websocket" };
    const answer = await strict.ask(`${origin.url}/`, { headers, agent: new Agent() });
    expect(answer.failure?.reason).toContain("to which the egress does not connect");
  });
});

it("the answer to an unknown project says what to do, and so does one to a name that was left out", async () => {
  const token = createEgressTokens(TEST_SECRET).issue("nobody/nothing");
  const answer = await egress.ask(`${origin.url}/`, { token, project: "nobody/nothing" });
  expect(answer).toMatchObject({ status: 500, failure: { code: "mtls_certificate_not_found" } });
  expect((await egress.ask(`${origin.url}/`, { project: "" })).status).toBe(403);
});

it("goes on after a request with a WebSocket request right behind it, which needs no token to crash a server", async () => {
  await using egress = await startTestEgress();
  const socket = connect(Number(new URL(egress.url).port), "127.0.0.1");
  const upgrade = "connection: Upgrade\r\nupgrade: websocket\r\n";
  socket.end(`GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n${upgrade}\r\n`);
  socket.on("error", () => {}).resume();
  await once(socket, "close");
  expect(await egress.ask("https://localhost/", { certificate: "none" })).toMatchObject({ status: 500 });
});
