import { describe, expect, it } from "vitest";
import { createUploader, keyOf, readDocument, uploadOf } from "./mtls-uploads.ts";
import { createEdgeKey, pemOf } from "./support.ts";

async function createOriginUploader() {
  const uploader = await createUploader();
  const path = `${uploader.base}/origin-cas`;
  const upload = (name: string, certificate: string) => uploader.call("POST", path, { name, certificate });
  return { ...uploader, path, upload };
}

describe("a CA certificate of origins", () => {
  it("is uploaded, listed, described and deleted", async () => {
    const { path, call, upload } = await createOriginUploader();
    const created = await upload("corporate", pemOf("root"));
    expect([created.status, created.body]).toMatchObject([
      201,
      { name: "corporate", project: "shop", subject: "CN=example-ca,O=Example,C=US", daysLeft: 29, warnings: [] },
    ]);
    expect(created.body.id).toMatch(/^oca_[0-9a-f]{24}$/);
    const { warnings: _, ...shown } = created.body;
    expect((await call("GET", path)).body).toEqual({ data: [shown], offset: 0, limit: 100 });
    const one = `${path}/${created.body.id}`;
    expect((await call("GET", one)).body).toEqual({ ...shown, certificate: pemOf("root") });
    expect((await call("DELETE", one)).status).toBe(204);
    expect((await call("DELETE", one)).status).toBe(404);
    expect((await call("GET", one)).status).toBe(404);
  });

  it.each([
    ["a leaf", () => pemOf("leaf"), "not_a_ca", /root CA certificate/],
    ["an intermediate", () => pemOf("intermediate"), "not_self_signed", /upload the root/],
    ["two certificates", () => pemOf("root") + pemOf("intermediate"), "several_certificates", /origins send/],
    ["a private key", () => keyOf("root"), "private_key_in_file", /alone/],
    ["an expired one", () => pemOf("expired"), "certificate_expired", /replaced/],
    ["RSA 1024", () => pemOf("rsa1024"), "key_too_small", /RSA 2048/],
    ["something else", () => "hello", "no_certificate", /BEGIN CERTIFICATE/],
    ["a leaf that signed itself", () => pemOf("selfSignedLeaf"), "not_a_ca", /your origins' server certificates/],
  ])("is refused: %s", async (_, text, code, hint) => {
    const { upload } = await createOriginUploader();
    const answer = await upload("corporate", text());
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.hint).toMatch(hint);
  });

  it("is refused twice, and under a name that is taken or none", async () => {
    const { upload } = await createOriginUploader();
    await upload("corporate", pemOf("root"));
    expect((await upload("again", pemOf("root"))).body.code).toBe("origin_ca_exists");
    expect((await upload("corporate", pemOf("rotated"))).body.code).toBe("name_taken");
    expect((await upload("not-one", pemOf("rotated"))).body.code).toBe("name_not_identifier");
  });

  it("is out of reach for another account, and needs a project", async () => {
    const mine = await createOriginUploader();
    const other = await createOriginUploader();
    const { id } = (await other.upload("corporate", pemOf("root"))).body;
    for (const method of ["GET", "DELETE"]) {
      expect((await mine.call(method, `${mine.path}/${id}`)).status).toBe(404);
      expect((await mine.call(method, `${other.path}/${id}`)).status).toBe(404);
    }
    const nowhere = mine.path.replace("/shop/", "/none/");
    expect((await mine.call("POST", nowhere, { name: "x", certificate: pemOf("root") })).status).toBe(404);
    expect((await mine.call("GET", nowhere)).status).toBe(404);
  });
});

describe("what edges read", () => {
  it("has CAs of origins and client certificates only where there are any, and none of another account", async () => {
    const { account, upload } = await createOriginUploader();
    const other = await createOriginUploader();
    expect(Object.keys(await readDocument(account))).not.toContain("originCaCertificates");
    expect(Object.keys(await readDocument(account))).not.toContain("mtlsCertificates");
    const { id } = (await upload("corporate", pemOf("root"))).body;
    const document = await readDocument(account);
    expect(document.originCaCertificates).toEqual([
      { id, name: "corporate", project: "shop", certificate: pemOf("root") },
    ]);
    expect((await readDocument(other.account)).originCaCertificates).toBeUndefined();
  });

  it("gets another version with every write to either", async () => {
    const { account, base, call } = await createOriginUploader();
    const edge = (await createEdgeKey()).call;
    const seen = new Set<string>([(await readDocument(account, edge)).version]);
    const write = async (method: string, path: string, body?: object) => {
      const answer = await call(method, base + path, body);
      expect([200, 201, 204]).toContain(answer.status);
      const { version } = await readDocument(account, edge);
      expect(seen).not.toContain(version);
      seen.add(version);
      return answer.body.id ?? "";
    };
    const ca = await write("POST", "/origin-cas", { name: "corporate", certificate: pemOf("root") });
    const id = await write("POST", "/mtls-certificates", uploadOf("client"));
    await write("PATCH", `/mtls-certificates/${id}`, { environmentTypes: ["preview"] });
    const { certificate, privateKey } = uploadOf("rotatedClient");
    await write("PATCH", `/mtls-certificates/${id}`, { certificate, privateKey });
    await write("POST", `/mtls-certificates/${id}/disable`);
    await write("DELETE", `/mtls-certificates/${id}`);
    await write("DELETE", `/origin-cas/${ca}`);
  });
});
