/** Where private keys are, and where they are not; and what becomes of them when the master key changes. */
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import {
  createUploader,
  dumpDatabase,
  keyForm,
  keyOf,
  linesOf,
  randomMasterKey,
  readDocument,
  sendWith,
  uploadOf,
} from "./mtls-uploads.ts";
import { admin, createEdgeKey, pemOf } from "./support.ts";

const REWRAP = "/v1/master-key/rewrap";
const operator = () => env.TEST_BOOTSTRAP_KEY;
/** The master key of all other tests */
const presentKey = () => env.SALLYPORT_MASTER_KEY ?? "";

describe("a private key", () => {
  it("is in no answer, no log, no audit row and in no table", async () => {
    const log = vi.spyOn(console, "error");
    const { path, call, upload } = await createUploader();
    const lines = linesOf(keyOf("client"), keyOf("rotatedClient"), keyForm("sec1"));
    const answers = [
      await upload("client"),
      await upload("client"),
      await upload("client", { name: "x", privateKey: keyOf("rotatedClient") }),
      await upload("client", { name: keyOf("client") }),
      await upload("client", { key: keyOf("client") }),
      await upload("client", { [keyOf("client")]: "" }),
      await upload("client", { certificate: keyOf("client"), privateKey: pemOf("client") }),
      await upload("client", { privateKey: keyForm("sec1").replace("EC ", "") }),
      await upload("client", { environmentTypes: [keyOf("client")] }),
    ];
    const { id } = answers[0]?.body ?? {};
    const pair = { certificate: pemOf("rotatedClient"), privateKey: keyOf("rotatedClient") };
    answers.push(await call("PATCH", `${path}/${id}`, pair));
    answers.push(await call("GET", path), await call("GET", `${path}/${id}`));
    answers.push(await admin("GET", "/v1/audit-log"), await call("POST", `${path}/${id}/disable`));
    const seen = answers.map(({ text }) => text).join() + JSON.stringify(log.mock.calls) + (await dumpDatabase());
    expect(seen).toContain("mtls-certificate.create");
    expect(lines.filter((line) => seen.includes(line))).toEqual([]);
    log.mockRestore();
  });

  it("is given to edges, and nothing on the way keeps a copy", async () => {
    const { account, upload } = await createUploader();
    const created = (await upload("chained", { certificate: pemOf("chained") + pemOf("intermediate") })).body;
    const edge = (await createEdgeKey()).call;
    const { headers, mtlsCertificates } = await readDocument(account, edge);
    expect(mtlsCertificates).toEqual([
      {
        id: created.id,
        version: created.version,
        name: "aws_alb_cert",
        project: "shop",
        environmentTypes: ["development"],
        isDisabled: false,
        certificate: pemOf("chained") + pemOf("intermediate"),
        privateKey: keyOf("chained"),
      },
    ]);
    expect(headers.get("cache-control")).toBe("private, no-store");
    const several = await edge("GET", `/v1/edge/bundle/accounts?account=${account}`);
    expect(several.headers.get("cache-control")).toBe("private, no-store");
    expect(JSON.parse(several.text).accounts[0].mtlsCertificates).toEqual(mtlsCertificates);
  });

  it("is not accepted without a master key, and nothing of the upload is stored", async () => {
    const { path, key, call } = await createUploader();
    const answer = await sendWith({}, key, "POST", path, uploadOf("client"));
    expect([answer.status, answer.body.code]).toEqual([503, "master_key_missing"]);
    expect(answer.body.hint).toContain("openssl rand -base64 32");
    expect((await call("GET", path)).body.data).toEqual([]);
  });

  it("is not accepted under a master key that is not 32 bytes: the control plane does not start to work", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { path, key } = await createUploader();
    for (const SALLYPORT_MASTER_KEY of ["", "c2hvcnQ=", "not base64"]) {
      expect((await sendWith({ SALLYPORT_MASTER_KEY }, key, "GET", path)).status).toBe(500);
    }
    log.mockRestore();
  });
});

describe("a row that cannot be decrypted", () => {
  const sealed = "sealed_private_key, wrapped_data_key, master_key_id";

  it.each([
    ["came from another row", `(${sealed}) = (SELECT ${sealed} FROM mtls_certificates WHERE id = ?2)`],
    ["is of an older version", "version = version || ?2"],
    ["was moved to another name's project", "project = 'second' WHERE ?2 <> '' AND id = ?1 --"],
    [
      "was altered",
      "sealed_private_key = substr(sealed_private_key, 1, 40) || 'AAAA' || substr(sealed_private_key, 45, 999) || substr(?2, 1, 0)",
    ],
    ["is not base64", "wrapped_data_key = '%' || ?2"],
    ["names a master key that nobody has", "master_key_id = ?2"],
  ])("because it %s stands in the document without its key, and hurts no other", async (_, change) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { account, base, call, upload } = await createUploader();
    await call("POST", base.replace("/shop", ""), { name: "second" });
    const broken = (await upload("client")).body.id;
    const whole = (await upload("clientRsa", { name: "whole" })).body.id;
    await env.DB.prepare(`UPDATE mtls_certificates SET ${change} WHERE id = ?1`).bind(broken, whole).run();
    const { mtlsCertificates } = await readDocument(account);
    expect(mtlsCertificates?.map(({ id, privateKey }) => [id, privateKey])).toEqual([
      [broken, undefined],
      [whole, keyOf("clientRsa")],
    ]);
    expect(log.mock.calls.flat().join()).toContain(`\\"${broken}\\" cannot be decrypted`);
    log.mockRestore();
  });
});

describe("another master key", () => {
  const countOf = async () =>
    (await env.DB.prepare("SELECT count(*) AS n FROM mtls_certificates").first<{ n: number }>())?.n ?? 0;

  it("reads what the previous one wrapped, and rewraps it once", async () => {
    const { account, upload } = await createUploader();
    const other = await createUploader();
    await upload("client");
    await other.upload("clientRsa");
    const { key: edgeKey } = await createEdgeKey();
    const next = { SALLYPORT_MASTER_KEY: randomMasterKey(), SALLYPORT_PREVIOUS_MASTER_KEY: presentKey() };
    const { SALLYPORT_PREVIOUS_MASTER_KEY: _, ...alone } = next;
    const keyIn = async (masterKeys: typeof next | typeof alone) => {
      const answer = await sendWith(masterKeys, edgeKey, "GET", `/v1/edge/bundle/accounts/${account}`);
      const { mtlsCertificates } = answer.body as { mtlsCertificates: { privateKey?: string }[] };
      return mtlsCertificates[0]?.privateKey;
    };
    expect(await keyIn(next)).toBe(keyOf("client"));

    await env.DB.prepare("DELETE FROM mtls_certificates WHERE account NOT IN (?, ?)")
      .bind(account, other.account)
      .run();
    const before = (await readDocument(account)).version;
    const first = await sendWith(next, operator(), "POST", REWRAP);
    expect(first.body).toMatchObject({ rewrapped: 2, remaining: 0, unreadable: [] });
    const again = await sendWith(next, operator(), "POST", REWRAP);
    expect(again.body).toEqual({ ...first.body, rewrapped: 0 });

    expect(await keyIn(alone)).toBe(keyOf("client"));
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const stale = await readDocument(account);
    expect([stale.mtlsCertificates?.[0]?.privateKey, stale.version === before]).toEqual([undefined, false]);
    log.mockRestore();
    const back = { SALLYPORT_MASTER_KEY: presentKey(), SALLYPORT_PREVIOUS_MASTER_KEY: next.SALLYPORT_MASTER_KEY };
    expect((await sendWith(back, operator(), "POST", REWRAP)).body).toMatchObject({ rewrapped: 2, remaining: 0 });
    expect((await readDocument(account)).mtlsCertificates?.[0]?.privateKey).toBe(keyOf("client"));
  });

  it("says what it cannot read, and does the rest", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    await env.DB.prepare("DELETE FROM mtls_certificates").run();
    const { upload } = await createUploader();
    const damaged = (await upload("client")).body.id;
    const foreign = (await upload("clientP384", { name: "foreign" })).body.id;
    await upload("clientRsa", { name: "whole" });
    await env.DB.prepare("UPDATE mtls_certificates SET wrapped_data_key = 'AAAA' WHERE id = ?").bind(damaged).run();
    await env.DB.prepare("UPDATE mtls_certificates SET master_key_id = 'lost' WHERE id = ?").bind(foreign).run();
    const next = { SALLYPORT_MASTER_KEY: randomMasterKey(), SALLYPORT_PREVIOUS_MASTER_KEY: presentKey() };
    const answer = await sendWith(next, operator(), "POST", REWRAP);
    expect(answer.body).toMatchObject({ rewrapped: 1, remaining: 2, unreadable: [damaged] });
    log.mockRestore();
  });

  it("does as many as one request may, and the rest when it is asked again", async () => {
    await env.DB.prepare("DELETE FROM mtls_certificates").run();
    const { upload } = await createUploader();
    const { id } = (await upload("client")).body;
    await env.DB.prepare(
      `INSERT INTO mtls_certificates WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 1010)
       SELECT id || '-' || n, account, project, name || n, version, environment_types, is_disabled, certificate, subject,
         issuer, serial_number, not_before, not_after, key_type, n, sealed_private_key, wrapped_data_key, master_key_id,
         created_at, updated_at FROM mtls_certificates, series WHERE id = ?`,
    )
      .bind(id)
      .run();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const next = { SALLYPORT_MASTER_KEY: randomMasterKey(), SALLYPORT_PREVIOUS_MASTER_KEY: presentKey() };
    const answer = await sendWith(next, operator(), "POST", REWRAP);
    const { rewrapped, unreadable, remaining } = answer.body as {
      rewrapped: number;
      unreadable: string[];
      remaining: number;
    };
    // Copies are not readable, being other records; the original sorts first
    expect([rewrapped, unreadable.length, remaining, await countOf()]).toEqual([1, 999, 1010, 1011]);
    log.mockRestore();
  });

  it("needs the previous one as long as anything is under it", async () => {
    await env.DB.prepare("DELETE FROM mtls_certificates").run();
    const next = { SALLYPORT_MASTER_KEY: randomMasterKey() };
    expect((await sendWith(next, operator(), "POST", REWRAP)).body).toMatchObject({ rewrapped: 0, remaining: 0 });
    const { upload } = await createUploader();
    await upload("client");
    const answer = await sendWith(next, operator(), "POST", REWRAP);
    expect([answer.status, answer.body.code]).toEqual([503, "master_key_missing"]);
    expect(answer.body.detail).toContain("SALLYPORT_PREVIOUS_MASTER_KEY");
    const none = await sendWith({}, operator(), "POST", REWRAP);
    expect(none.status).toBe(503);
  });
});
