/**
 * Host and SNI over HTTP/2, frame by frame: an attacker who is verified on one host names another one in a way that
 * client libraries refuse to send (RFC 9113, section 8.3.1; Node CVE-2026-48928). A request that is malformed is
 * reset with PROTOCOL_ERROR, one that is another host's is answered, and neither reaches the worker.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HOST } from "../edge/harness/edge.ts";
import { connectFrames, type Field, PROTOCOL_ERROR, requestFields, without } from "./harness/http2-frames.ts";
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
const withAuthority = (authority: string) => requestFields(authority, target());
const withHosts = (...hosts: string[]): Field[] => [
  ...without(requestFields(HOST, target()), ":authority"),
  ...hosts.map((host) => ["host", host] as const),
];

async function attempt(fields: readonly Field[]) {
  using client = await connectFrames(stack, { identity: stack.client });
  const outcome = await client.request(fields);
  expect(await stack.recorded(mark)).toEqual([]);
  return outcome;
}

/** The same client, the same frames, one `:authority`: served, and verified. */
async function expectControl(fields: readonly Field[] = withAuthority(HOST)): Promise<void> {
  using client = await connectFrames(stack, { identity: stack.client });
  expect((await client.request(fields)).body).toContain('"clientMtlsVerificationStatus":"SUCCESS"');
}

describe("is reset for what is malformed", () => {
  it.each<[string, () => Field[]]>([
    ["two :authority, its own first", () => [...withAuthority(HOST), [":authority", OTHER_HOST]]],
    ["two :authority, its own last", () => [[":authority", OTHER_HOST], ...withAuthority(HOST)]],
    ["two host fields beside :authority", () => [...withAuthority(HOST), ["host", HOST], ["host", OTHER_HOST]]],
    ["two host fields and no :authority", () => withHosts(HOST, OTHER_HOST)],
    ["neither :authority nor host", () => withHosts()],
    ["an empty :authority and another host", () => [...withAuthority(""), ["host", OTHER_HOST]]],
    [":authority behind host", () => [...withHosts(OTHER_HOST), [":authority", HOST]]],
    ["user information in :authority", () => withAuthority(`${HOST}@${OTHER_HOST}`)],
    ["a list in :authority", () => withAuthority(`${HOST}, ${OTHER_HOST}`)],
    ["a path in :authority", () => withAuthority(`${HOST}/x`)],
    ["two :path", () => [...withAuthority(HOST), [":path", "/v1/example"]]],
    ["an absolute URL of another host in :path", () => requestFields(HOST, `https://${OTHER_HOST}${target()}`)],
    ["a :path that does not begin with a slash", () => requestFields(HOST, target().slice(1))],
    ["a pseudo-header field that HTTP/2 does not have", () => [...withAuthority(HOST), [":host", OTHER_HOST]]],
  ])("%s", async (_, makeFields) => {
    expect(await attempt(makeFields())).toMatchObject({ reset: PROTOCOL_ERROR, body: "" });
    await expectControl();
  });
});

describe("is answered, and the connection goes away, for", () => {
  it.each<[string, number, () => Field[]]>([
    ["another account's :authority", 421, () => withAuthority(OTHER_HOST)],
    ["it in upper case with a port", 421, () => withAuthority(`${OTHER_HOST.toUpperCase()}:443`)],
    ["another domain of its own account", 421, () => withAuthority(SIBLING_HOST)],
    ["an IPv4 literal", 421, () => withAuthority("127.0.0.1")],
    ["an IPv6 literal", 400, () => withAuthority("[::1]")],
    ["a wildcard", 400, () => withAuthority(`*.${HOST}`)],
    ["another account's host without :authority", 421, () => withHosts(OTHER_HOST)],
    ["a host that is not the :authority", 400, () => [...withAuthority(HOST), ["host", OTHER_HOST]]],
    ["an :authority that is not the host", 400, () => [...withAuthority(OTHER_HOST), ["host", HOST]]],
  ])("%s: %i", async (_, status, makeFields) => {
    const { body, goaway } = await attempt(makeFields());
    expect(JSON.parse(body)).toMatchObject({ status });
    expect(goaway).toBe(0);
    await expectControl();
  });
});

it.each<[string, () => Field[]]>([
  [":authority in another spelling", () => withAuthority("A.TEST.:443")],
  ["host without :authority", () => withHosts(HOST)],
  ["host beside the same :authority", () => [...withAuthority(HOST), ["host", HOST]]],
])("is served, and verified, with %s", async (_, makeFields) => {
  await expectControl(makeFields());
  expect((await stack.recorded(mark)).map(({ headers }) => headers.host?.replace(/:443$/, ""))).toEqual([HOST]);
});

it("opens a tunnel (CONNECT, RFC 9113, section 8.5, and extended, RFC 8441): there is none", async () => {
  const connect: Field[] = [
    [":method", "CONNECT"],
    [":authority", HOST],
  ];
  expect((await attempt(connect)).body).toBe("");
  const extended: Field[] = [...requestFields(HOST, target(), "CONNECT"), [":protocol", "websocket"]];
  expect(await attempt(extended)).toMatchObject({ reset: PROTOCOL_ERROR });
  await expectControl();
});
