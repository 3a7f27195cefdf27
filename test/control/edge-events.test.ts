import { createExecutionContext, evictDurableObject, SELF, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { bundleEventSchema } from "../../src/contract/trust-bundle.ts";
import { notifierOf } from "../../src/control/edge/notifier.ts";
import worker from "../../src/control/worker.ts";
import { admin, createAccount, createEdgeKey, ORIGIN, pemOf } from "./support.ts";

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** An open event stream. Messages and the close are waited for, however early they came. */
async function connect(key: string) {
  const headers = { authorization: `Bearer ${key}`, upgrade: "websocket" };
  const response = await SELF.fetch(`${ORIGIN}/v1/edge/events`, { headers });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no WebSocket, but ${response.status}`);
  const messages: string[] = [];
  let wake = () => {};
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  socket.addEventListener("message", ({ data }) => {
    messages.push(String(data));
    wake();
  });
  socket.accept();
  sockets.push(socket);
  async function next(): Promise<string> {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return messages.shift() ?? "";
  }
  const nextEvent = async () => bundleEventSchema.parse(JSON.parse(await next()));
  const nextVersion = async () => (await nextEvent()).version;
  return { socket, messages, closed, next, nextEvent, nextVersion };
}

async function presentVersion(): Promise<string | undefined> {
  const { call } = await createEdgeKey();
  return (await call("GET", "/v1/edge/bundle")).body.version;
}

describe("the event stream", () => {
  it("says the present version first, and every one that is committed after", async () => {
    const { path, call } = await createAccount();
    const { nextVersion } = await connect((await createEdgeKey()).key);
    expect(await nextVersion()).toBe(await presentVersion());
    const created = await call("POST", `${path}/ca-certificates`, { name: "ca", certificate: pemOf("root") });
    expect(await nextVersion()).toBe(await presentVersion());
    await call("DELETE", `${path}/ca-certificates/${created.body.id}`);
    expect(await nextVersion()).toBe(await presentVersion());
  });

  it("names the account that changed, with the version of its document, and none after connecting", async () => {
    const { name, path, call } = await createAccount();
    const { nextEvent } = await connect((await createEdgeKey()).key);
    expect(await nextEvent()).not.toHaveProperty("accounts");
    for (const project of ["second", "third"]) {
      await call("POST", `${path}/projects`, { name: project });
      const document = (await (await createEdgeKey()).call("GET", `/v1/edge/bundle/accounts/${name}`)).body;
      expect(await nextEvent()).toEqual({ version: document.version, accounts: [name] });
    }
  });

  it("says what the commit says, without asking the database", async () => {
    const { next } = await connect((await createEdgeKey()).key);
    await next();
    const event = { version: "said", accounts: ["acme"] };
    await notifierOf(env).announce(event);
    expect(JSON.parse(await next())).toEqual(event);
  });

  it("reaches every edge", async () => {
    const { path, call } = await createAccount();
    const edges = [await connect((await createEdgeKey()).key), await connect((await createEdgeKey()).key)];
    for (const { nextVersion } of edges) await nextVersion();
    await call("POST", `${path}/projects`, { name: "second" });
    const version = await presentVersion();
    for (const { nextVersion } of edges) expect(await nextVersion()).toBe(version);
  });

  it("is silent about what was refused and what edges need not know", async () => {
    const { path, call } = await createAccount();
    const { messages, next, nextVersion, socket } = await connect((await createEdgeKey()).key);
    await nextVersion();
    await call("POST", `${path}/ca-certificates`, { name: "ca", certificate: "nothing" });
    await call("POST", `${path}/api-keys`, { name: "other" });
    socket.send("ping");
    expect(await next()).toBe("pong");
    expect(messages).toEqual([]);
  });

  it("survives that its object is put to sleep", async () => {
    const { path, call } = await createAccount();
    const { next, nextVersion, socket } = await connect((await createEdgeKey()).key);
    await nextVersion();
    await evictDurableObject(notifierOf(env));
    socket.send("ping");
    expect(await next()).toBe("pong");
    await call("POST", `${path}/projects`, { name: "second" });
    expect(await nextVersion()).toBe(await presentVersion());
  });

  it("is closed when its key is revoked, and no other", async () => {
    const [revoked, kept] = [await createEdgeKey(), await createEdgeKey()];
    const [closing, open] = [await connect(revoked.key), await connect(kept.key)];
    await open.nextVersion();
    await admin("DELETE", `/v1/api-keys/${revoked.id}`);
    expect((await closing.closed).code).toBe(1008);
    open.socket.send("ping");
    expect(await open.next()).toBe("pong");
    await expect(connect(revoked.key)).rejects.toThrow("401");
  });

  it("does not keep a key from being revoked when its object is away", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { id, call } = await createEdgeKey();
    const EDGE_NOTIFIER = {
      getByName: () => {
        throw new Error("away");
      },
    } as unknown as typeof env.EDGE_NOTIFIER;
    const headers = { authorization: `Bearer ${env.TEST_BOOTSTRAP_KEY}` };
    const request = new Request(`${ORIGIN}/v1/api-keys/${id}`, { method: "DELETE", headers });
    const context = createExecutionContext();
    expect((await worker.fetch(request, { ...env, EDGE_NOTIFIER }, context)).status).toBe(204);
    await waitOnExecutionContext(context);
    expect(log.mock.calls.flat().join()).toContain("edge_disconnect_failed");
    expect((await call("GET", "/v1/edge/bundle")).status).toBe(401);
    log.mockRestore();
  });

  it("is closed when an edge says anything but ping", async () => {
    const { socket, closed } = await connect((await createEdgeKey()).key);
    socket.send("hello");
    expect((await closed).code).toBe(1008);
  });

  it("lets an edge leave", async () => {
    const { path, call } = await createAccount();
    const left = await connect((await createEdgeKey()).key);
    left.socket.close(1000, "bye");
    await left.closed;
    expect((await call("POST", `${path}/projects`, { name: "second" })).status).toBe(201);
  });

  it("asks for an upgrade", async () => {
    const { call } = await createEdgeKey();
    const answer = await call("GET", "/v1/edge/events");
    expect([answer.status, answer.body.code]).toEqual([426, "upgrade_required"]);
  });
});
