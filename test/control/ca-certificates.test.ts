import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { CertificateName } from "./certificates.ts";
import { certificate, createAccount, pemOf } from "./support.ts";

async function createUploader() {
  const account = await createAccount();
  const path = `${account.path}/ca-certificates`;
  const upload = (name: string, text: string) => account.call("POST", path, { name, certificate: text });
  return { ...account, path, upload };
}

describe("an uploaded CA certificate", () => {
  it("is described with what people look for", async () => {
    const { path, call, upload } = await createUploader();
    const created = await upload("my_ca", pemOf("root"));
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: "my_ca",
      subject: "CN=example-ca,O=Example,C=US",
      issuer: "CN=example-ca,O=Example,C=US",
      keyType: "EC P-256",
      daysLeft: 29,
      warnings: [],
    });
    expect(created.body.id).toMatch(/^mtlsca_[0-9a-f]{24}$/);
    expect(created.body.sha256Fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    expect(created.body.serialNumber).toMatch(/^[0-9A-F]+$/);
    expect(created.body.notAfter).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    const { warnings: _, ...shown } = created.body;
    const described = await call("GET", `${path}/${created.body.id}`);
    expect(described.body).toEqual({ ...shown, certificate: pemOf("root") });
    expect((await call("GET", path)).body).toEqual({ data: [shown], offset: 0, limit: 100 });
  });

  it("is renamed, and nothing else of it", async () => {
    const { path, call, upload } = await createUploader();
    const { id } = (await upload("my_ca", pemOf("root"))).body;
    expect((await call("PATCH", `${path}/${id}`, { name: "renamed_ca" })).body).toMatchObject({
      id,
      name: "renamed_ca",
    });
    expect((await call("GET", `${path}/${id}`)).body.name).toBe("renamed_ca");
    const other = await call("PATCH", `${path}/${id}`, { name: "x", certificate: pemOf("rotated") });
    expect([other.status, other.body.errors?.[0]?.code]).toEqual([400, "unrecognized_keys"]);
    expect((await call("PATCH", `${path}/${id}`, { name: "my-ca" })).body.code).toBe("name_not_identifier");
    expect((await call("PATCH", `${path}/mtlsca_none`, { name: "x" })).status).toBe(404);
  });

  it("is renamed to its own name without a trace, and not to a name that is taken", async () => {
    const { path, call, upload } = await createUploader();
    const { id } = (await upload("first", pemOf("root"))).body;
    await upload("second", pemOf("otherName"));
    expect((await call("PATCH", `${path}/${id}`, { name: "first" })).status).toBe(200);
    const taken = await call("PATCH", `${path}/${id}`, { name: "second" });
    expect([taken.status, taken.body.code]).toEqual([409, "name_taken"]);
    expect((await call("GET", `${path}/${id}`)).body.name).toBe("first");
  });

  it("is deleted once", async () => {
    const { path, call, upload } = await createUploader();
    const { id } = (await upload("my_ca", pemOf("root"))).body;
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(204);
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(404);
    expect((await call("GET", `${path}/${id}`)).status).toBe(404);
    expect((await upload("my_ca", pemOf("root"))).status).toBe(201);
  });

  it("is out of reach for another account", async () => {
    const mine = await createUploader();
    const other = await createUploader();
    const { id } = (await other.upload("theirs", pemOf("root"))).body;
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const body = method === "PATCH" ? { name: "mine" } : undefined;
      expect((await mine.call(method, `${mine.path}/${id}`, body)).status).toBe(404);
      expect((await mine.call(method, `${other.path}/${id}`, body)).status).toBe(404);
    }
    expect((await other.call("GET", `${other.path}/${id}`)).body.name).toBe("theirs");
  });

  it("stands beside one of the same name and another key, which is how a CA is rotated", async () => {
    const { path, call, upload } = await createUploader();
    expect((await upload("old_ca", pemOf("root"))).status).toBe(201);
    const rotated = await upload("new_ca", pemOf("rotated"));
    expect([rotated.status, rotated.body.warnings]).toMatchObject([201, [{ code: "same_subject" }]]);
    const subjects = (await call("GET", path)).body.data?.map(({ subject }) => subject);
    expect(subjects).toEqual(["CN=example-ca,O=Example,C=US", "CN=example-ca,O=Example,C=US"]);
  });

  it("comes with the same word about a namesake when neither has a key identifier", async () => {
    const { upload } = await createUploader();
    expect((await upload("first", pemOf("withoutKeyId"))).body.warnings).toEqual([]);
    const second = await upload("second", pemOf("withoutKeyIdEither"));
    expect(second.status).toBe(201);
    expect(second.body.warnings).toMatchObject([{ code: "same_subject" }]);
  });

  it("comes with a warning when it is not valid yet", async () => {
    const { upload } = await createUploader();
    expect((await upload("early", pemOf("future"))).body.warnings).toMatchObject([{ code: "not_yet_valid" }]);
  });

  it.each<[CertificateName, string]>([
    ["rsa2048", "RSA 2048"],
    ["rsaSha1", "RSA 2048"],
    ["rsaPss", "RSA 2048"],
    ["rsaPssKey", "RSA-PSS 2048"],
    ["p384", "EC P-384"],
    ["p521", "EC P-521"],
    ["ed25519", "Ed25519"],
  ])("may be %s", async (name, keyType) => {
    const { upload } = await createUploader();
    const answer = await upload("ca", pemOf(name));
    expect([answer.status, answer.body.keyType, answer.body.detail]).toEqual([201, keyType, undefined]);
  });

  it("is kept without what stood around it in the file", async () => {
    const { path, call, upload } = await createUploader();
    const { id } = (await upload("ca", `subject=CN=evil\r\n${pemOf("root").replaceAll("\n", "\r\n")}trailing`)).body;
    expect((await call("GET", `${path}/${id}`)).body.certificate).toBe(pemOf("root"));
  });
});

describe("an upload is refused when", () => {
  const der = () => atob(certificate("root").derBase64);

  it.each<[string, () => string, string, RegExp]>([
    ["the file is DER", der, "certificate_is_der", /openssl x509 -inform der/],
    [
      "the file is DER read as UTF-8",
      () => new TextDecoder().decode(Uint8Array.from(der(), (x) => x.charCodeAt(0))),
      "certificate_is_der",
      /openssl/,
    ],
    ["the file is base64 of DER", () => certificate("root").derBase64, "certificate_is_der", /openssl/],
    ["the file is empty", () => "", "no_certificate", /BEGIN CERTIFICATE/],
    ["the file is something else", () => "hello", "no_certificate", /BEGIN CERTIFICATE/],
    [
      "the file holds another PEM block",
      () => pemOf("root").replaceAll("CERTIFICATE", "PUBLIC KEY"),
      "no_certificate",
      /BEGIN/,
    ],
    [
      "the file holds several certificates",
      () => pemOf("root") + pemOf("intermediate"),
      "several_certificates",
      /by itself/,
    ],
    ["the file holds a private key", () => certificate("root").keyPem, "private_key_in_file", /alone/],
    [
      "the file holds certificate and key",
      () => pemOf("root") + certificate("root").keyPem,
      "private_key_in_file",
      /alone/,
    ],
    ["the file is cut off", () => pemOf("root").slice(0, 300), "certificate_unreadable", /PEM/],
    ["the certificate is cut off", () => pemOf("truncated"), "certificate_unreadable", /openssl x509/],
    ["the certificate is too large", () => pemOf("large"), "certificate_too_large", /openssl x509/],
    ["it is a client certificate", () => pemOf("leaf"), "not_a_ca", /"CN=example-ca,O=Example,C=US"/],
    ["it is self-signed and not a CA", () => pemOf("selfSignedLeaf"), "not_a_ca", /root CA certificate/],
    ["its key usage is not to sign", () => pemOf("cannotSign"), "not_a_ca", /root CA certificate/],
    ["it does not say what it is (version 1)", () => pemOf("versionOne"), "not_a_ca", /root CA certificate/],
    [
      "it is an intermediate",
      () => pemOf("intermediate"),
      "not_self_signed",
      /upload the root.*"CN=example-ca,O=Example,C=US"/,
    ],
    [
      "it bears its issuer's name and is not the issuer",
      () => pemOf("selfIssued"),
      "self_signature_invalid",
      /signed by itself/,
    ],
    ["its signature is damaged", () => pemOf("forged"), "self_signature_invalid", /signed by itself/],
    ["it has expired", () => pemOf("expired"), "certificate_expired", /replaced/],
    ["its key is RSA 1024", () => pemOf("rsa1024"), "key_too_small", /RSA 2048/],
  ])("%s", async (_, text, code, hint) => {
    const { path, call, upload } = await createUploader();
    const answer = await upload("ca", text());
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body.hint).toMatch(hint);
    expect(answer.body.errors).toMatchObject([{ path: "certificate", code }]);
    expect((await call("GET", path)).body.data).toEqual([]);
  });

  it.each(["", "my-ca", "1st", "my ca", "ä", "a.b", "x\r\nX-Evil: 1", "a".repeat(65), "'; DROP TABLE accounts;--"])(
    "its name is %j",
    async (name) => {
      const { upload } = await createUploader();
      const answer = await upload(name, pemOf("root"));
      expect([answer.status, answer.body.code]).toEqual([400, "name_not_identifier"]);
      expect(answer.body.hint).toContain("letters, digits, _ and $");
    },
  );

  it("its name is taken", async () => {
    const { upload } = await createUploader();
    await upload("my_ca", pemOf("root"));
    const answer = await upload("my_ca", pemOf("otherName"));
    expect([answer.status, answer.body.code]).toEqual([409, "name_taken"]);
  });

  it("it is there already, under whatever name; another account may have it too", async () => {
    const { upload } = await createUploader();
    const { id } = (await upload("my_ca", pemOf("root"))).body;
    for (const name of ["my_ca", "again"]) {
      const answer = await upload(name, pemOf("root"));
      expect([answer.status, answer.body.code]).toEqual([409, "ca_certificate_exists"]);
      expect(answer.body.detail).toContain(id);
    }
    const other = await createUploader();
    expect((await other.upload("my_ca", pemOf("root"))).status).toBe(201);
  });

  it("two race for one name: one of them wins", async () => {
    const { path, call, upload } = await createUploader();
    const answers = await Promise.all(
      ["root", "rotated", "otherName"].map((name) => upload("ca", pemOf(name as "root"))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await call("GET", path)).body.data?.length).toBe(1);
  });

  it("it has several faults, all of which are told", async () => {
    const { path, call } = await createUploader();
    const answer = await call("POST", path, { name: "my-ca", certificate: "hello", extra: 1 });
    expect(answer.body.errors?.map((error) => [error.path, error.code]).sort()).toEqual([
      ["", "unrecognized_keys"],
      ["certificate", "no_certificate"],
      ["name", "name_not_identifier"],
    ]);
    expect(answer.body.code).toBe("name_not_identifier");
  });

  it("parts are missing", async () => {
    const { path, call } = await createUploader();
    const answer = await call("POST", path, {});
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect(answer.body.errors?.map((error) => error.path)).toEqual(["name", "certificate"]);
  });
});

describe("a private key that somebody sends", () => {
  it.each<[string, (key: string) => object]>([
    ["as the certificate", (key) => ({ name: "ca", certificate: key })],
    ["beside the certificate", (key) => ({ name: "ca", certificate: pemOf("root") + key })],
    ["as the name", (key) => ({ name: key, certificate: pemOf("root") })],
    ["in a field that does not exist", (key) => ({ name: "ca", certificate: pemOf("root"), key })],
    ["as a certificate block", (key) => ({ name: "ca", certificate: key.replaceAll("PRIVATE KEY", "CERTIFICATE") })],
  ])("is neither kept nor repeated: %s", async (_, bodyOf) => {
    const { path, call } = await createUploader();
    const { keyPem } = certificate("root");
    const answer = await call("POST", path, bodyOf(keyPem));
    expect(answer.status).toBe(400);
    const tables = ["ca_certificates", "audit_log"].map((table) => env.DB.prepare(`SELECT * FROM ${table}`));
    const stored = JSON.stringify((await env.DB.batch(tables)).map(({ results }) => results));
    for (const line of keyPem.split("\n").slice(1, -2)) {
      expect([answer.text.includes(line), stored.includes(line)]).toEqual([false, false]);
    }
  });
});
