/** Rule 5 of the verdict: what a client may not say about itself never reaches the worker, in no spelling. */
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, connectTls, sendRaw } from "./harness/client.ts";
import { HOST, startTestEdge, type TestEdge } from "./harness/edge.ts";
import { askHttp2, connectHttp2 } from "./harness/http2-client.ts";

const FORGED = "forged by the client";

const DROPPED = [
  "Client-Cert",
  "Client-Cert-Chain",
  "X-Forwarded-Client-Cert",
  "X-SSL-Client-Cert",
  "X-SSL-Client-Verify",
  "X-SSL-Whatever",
  "SSL-Client-Cert",
  "SSL-Client-Verify",
  "SSL-Client-S-DN",
  "X-Client-Cert",
  "X-Client-Cert-Chain",
  "X-Client-Certificate",
  "X-Client-CertVerified",
  "X-Amzn-Mtls-Clientcert",
  "X-Amzn-Mtls-Clientcert-Subject",
  "Sallyport-Edge-Assertion",
  "Sallyport-Request-Id",
  "Sallyport-Anything",
  "CF-Connecting-IP",
  "CF-Ray",
  "MF-CF-Blob",
  "MF-Original-URL",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded",
  "Forwarded",
  "True-Client-IP",
  "X-Real-IP",
];

const SPELLINGS: Record<string, (name: string) => string> = {
  "as it is": (name) => name,
  "in lower case": (name) => name.toLowerCase(),
  "in upper case": (name) => name.toUpperCase(),
  "in odd case": (name) =>
    name.replace(/./g, (letter, index) => (index % 2 ? letter.toUpperCase() : letter.toLowerCase())),
  "with underscores": (name) => name.replaceAll("-", "_"),
  "with one underscore in upper case": (name) => name.replace("-", "_").toUpperCase(),
};

/** What a CGI-like upstream would make of a name */
const normalize = (name: string) => name.toLowerCase().replaceAll("_", "-");

let edge: TestEdge;
beforeAll(async () => {
  edge = await startTestEdge();
});
beforeEach(() => edge.upstream.requests.splice(0));
afterAll(() => edge[Symbol.asyncDispose]());

const send = (lines: string[], body = "") => sendRaw(edge, [...lines, "connection: close", "", body].join("\r\n"));
const seenHeaders = () => edge.upstream.requests.at(-1)?.rawHeaders ?? [];

describe.each(Object.entries(SPELLINGS))("no header of the list passes, %s", (_, spell) => {
  it("once or twice over HTTP/1.1", async () => {
    const lines = DROPPED.flatMap((name) => [`${spell(name)}: ${FORGED}`, `${spell(name)}: ${FORGED}`]);
    await send(["GET / HTTP/1.1", `host: ${HOST}`, ...lines]);
    expect(seenHeaders()).toContain(HOST);
    expect(seenHeaders().join()).not.toContain(FORGED);
  });

  it("listed in Connection", async () => {
    const lines = DROPPED.map((name) => `${spell(name)}: ${FORGED}`);
    const named = [...DROPPED.map(spell), ...DROPPED, "host", "sallyport-edge-assertion", "x-forwarded-for"];
    await sendRaw(
      edge,
      ["GET / HTTP/1.1", `host: ${HOST}`, ...lines, `connection: close, ${named.join(", ")}`, "", ""].join("\r\n"),
    );
    expect(seenHeaders().join()).not.toContain(FORGED);
    expect(seenHeaders()).toEqual(
      expect.arrayContaining(["host", "x-forwarded-for", "sallyport-edge-assertion", "sallyport-request-id"]),
    );
  });

  it("in the trailers of a chunked body", async () => {
    const trailers = DROPPED.map((name) => `${spell(name)}: ${FORGED}\r\n`).join("");
    const answer = await send(
      ["POST / HTTP/1.1", `host: ${HOST}`, "transfer-encoding: chunked", `trailer: ${DROPPED.map(spell).join()}`],
      `4\r\nbody\r\n0\r\n${trailers}\r\n`,
    );
    expect(answer).toContain('"body":"body"');
    const [request] = edge.upstream.requests;
    expect(`${request?.rawHeaders} ${request?.rawTrailers}`).not.toContain(FORGED);
  });

  it("over HTTP/2, listed as duplicates", async () => {
    const session = await connectHttp2(edge);
    const headers = Object.fromEntries(DROPPED.map((name) => [spell(name).toLowerCase(), [FORGED, FORGED]]));
    const { rawHeaders } = (await askHttp2(session, headers)).seen();
    expect(rawHeaders.join()).not.toContain(FORGED);
    session.destroy();
  });
});

describe("the edge's own headers", () => {
  const OWN = {
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "https",
    "x-forwarded-host": HOST,
    "true-client-ip": "127.0.0.1",
    "sallyport-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
  };

  it("are there once, whatever the client says", async () => {
    const forged = Object.fromEntries(Object.keys(OWN).map((name) => [name, FORGED]));
    const { headers, rawHeaders } = (await ask(edge, { headers: forged })).seen();
    expect(headers).toMatchObject(OWN);
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map(normalize);
    for (const name of [...Object.keys(OWN), "sallyport-edge-assertion", "host"]) {
      expect(names.filter((other) => other === name)).toHaveLength(1);
    }
  });

  it("name another request each time", async () => {
    const ids = [await ask(edge), await ask(edge)].map((answer) => answer.seen().headers["sallyport-request-id"]);
    expect(new Set(ids).size).toBe(2);
  });
});

describe("everything else passes as it is", () => {
  it("in its order and case, duplicates and empty values included", async () => {
    const lines = [
      "Accept: a",
      "X-Odd_Name: 1",
      "accept: b",
      "X-Empty:",
      "Cookie: a=1",
      "cookie: b=2",
      "X-SSLx: x",
      "CFx: y",
    ];
    await send(["GET / HTTP/1.1", `host: ${HOST}`, ...lines]);
    const seen = seenHeaders();
    const pairs = lines.map((line) => line.split(/: ?/));
    expect(seen.slice(seen.indexOf("Accept"), seen.indexOf("Accept") + 2 * pairs.length)).toEqual(pairs.flat());
  });

  it("with bytes beyond ASCII", async () => {
    const value = Buffer.from("Grüße").toString("latin1");
    await send(["GET / HTTP/1.1", `host: ${HOST}`, `x-text: ${value}`]);
    expect(seenHeaders()).toContain(value);
  });

  it("but not what belongs to the client's own connection", async () => {
    const hopByHop = ["keep-alive: timeout=5", "te: trailers", "proxy-authorization: x", "x-mine: x", "x-kept: x"];
    await sendRaw(
      edge,
      ["GET / HTTP/1.1", `host: ${HOST}`, ...hopByHop, "connection: close, X-Mine, content-length", "", ""].join(
        "\r\n",
      ),
    );
    const names = seenHeaders().filter((_, index) => index % 2 === 0);
    expect(names).toContain("x-kept");
    for (const name of ["keep-alive", "te", "proxy-authorization", "x-mine"]) expect(names).not.toContain(name);
  });

  it("with the pieces of a cookie put together that HTTP/2 may take apart", async () => {
    const session = await connectHttp2(edge);
    const { rawHeaders } = (await askHttp2(session, { cookie: ["a=1", "b=2", "c=3"] })).seen();
    const cookies = rawHeaders.filter((_, index) => rawHeaders[index - 1] === "cookie");
    expect(cookies).toEqual(["a=1; b=2; c=3"]);
    session.destroy();
  });
});

it("a Content-Length that Connection lists still says where the body ends", async () => {
  const socket = await connectTls(edge);
  socket.write(
    `POST / HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 26\r\nconnection: keep-alive, content-length\r\n\r\n` +
      "GET /smuggled HTTP/1.1\r\n\r\n",
  );
  const [text] = await once(socket.setEncoding("latin1"), "data");
  expect(text).toMatch(/^HTTP\/1.1 200/);
  expect(edge.upstream.requests.map(({ url }) => url)).toEqual(["/"]);
  socket.destroy();
});
