import { describe, expect, it } from "vitest";
import type { ClientCertificateName } from "./certificates.ts";
import { createUploader, keyForm, keyOf, readDocument } from "./mtls-uploads.ts";
import { createAccount, pemOf } from "./support.ts";

describe("an uploaded mTLS certificate", () => {
  it("is described with what people look for, and never with its key", async () => {
    const { path, call, upload } = await createUploader();
    const created = await upload("client", { environmentTypes: ["production", "development", "production"] });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: "aws_alb_cert",
      project: "shop",
      environmentTypes: ["development", "production"],
      isDisabled: false,
      subject: "CN=gateway,O=Example,C=US",
      issuer: "CN=example-ca,O=Example,C=US",
      keyType: "EC P-256",
      daysLeft: 29,
      warnings: [],
    });
    expect(created.body.id).toMatch(/^cert_[0-9a-f]{24}$/);
    expect(Object.keys(created.body).sort()).toEqual(
      [
        ...["createdAt", "daysLeft", "environmentTypes", "id", "isDisabled", "issuer", "keyType", "name", "notAfter"],
        ...["notBefore", "project", "serialNumber", "sha256Fingerprint", "subject", "updatedAt", "version", "warnings"],
      ].sort(),
    );
    const { warnings: _, ...shown } = created.body;
    const described = await call("GET", `${path}/${created.body.id}`);
    expect(described.body).toEqual({ ...shown, certificate: pemOf("client") });
    expect((await call("GET", path)).body).toEqual({ data: [shown], offset: 0, limit: 100 });
  });

  it("is kept with its intermediates, and without what stood around them in the file", async () => {
    const { path, call, upload } = await createUploader();
    const chain = pemOf("chained") + pemOf("intermediate") + pemOf("root");
    const { id } = (await upload("chained", { certificate: `subject=CN=evil\r\n${chain.replaceAll("\n", "\r\n")}` }))
      .body;
    const described = (await call("GET", `${path}/${id}`)).body;
    expect(described).toMatchObject({ certificate: chain, subject: "CN=chained,O=Example,C=US" });
  });

  it.each<[ClientCertificateName, string]>([
    ["clientRsa", "RSA 2048"],
    ["clientRsaPss", "RSA-PSS 2048"],
    ["clientP384", "EC P-384"],
    ["clientP521", "EC P-521"],
    ["clientEd25519", "Ed25519"],
    ["clientWithoutPurpose", "EC P-256"],
  ])("may be %s", async (name, keyType) => {
    const { account, upload } = await createUploader();
    const answer = await upload(name);
    expect([answer.status, answer.body.keyType, answer.body.detail]).toEqual([201, keyType, undefined]);
    expect((await readDocument(account)).mtlsCertificates?.[0]?.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it.each([
    ["SEC1", () => keyForm("sec1"), "client"],
    ["SEC1 behind its parameters", () => keyForm("sec1WithParameters"), "client"],
    ["PKCS #1", () => keyForm("pkcs1"), "clientRsa"],
    ["PKCS #8 with a certificate beside it", () => pemOf("client") + keyOf("client"), "client"],
  ] as const)("may bring its key as %s", async (_, privateKey, name) => {
    const { account, upload } = await createUploader();
    expect((await upload(name, { privateKey: privateKey() })).status).toBe(201);
    expect((await readDocument(account)).mtlsCertificates?.[0]?.privateKey).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it("comes with a warning when it is not valid yet, or for no purpose that OpenSSL knows", async () => {
    const { upload } = await createUploader();
    expect((await upload("futureClient")).body.warnings).toMatchObject([{ code: "not_yet_valid" }]);
    const any = await upload("clientAnyPurpose", { name: "any" });
    expect([any.status, any.body.warnings]).toMatchObject([201, [{ code: "any_purpose" }]]);
  });

  it("is out of reach for another account and another project", async () => {
    const mine = await createUploader();
    const other = await createUploader();
    await mine.call("POST", `${mine.path.replace("/shop/mtls-certificates", "")}`, { name: "second" });
    const { id } = (await other.upload("client")).body;
    const own = (await mine.upload("client")).body.id;
    for (const [method, tail] of [
      ["GET", ""],
      ["PATCH", ""],
      ["DELETE", ""],
      ["POST", "/disable"],
    ] as const) {
      const body = method === "PATCH" ? { environmentTypes: ["preview"] } : undefined;
      for (const path of [
        `${mine.path}/${id}`,
        `${other.path}/${id}`,
        `${mine.path.replace("/shop/", "/second/")}/${own}`,
      ]) {
        expect([path, (await mine.call(method, path + tail, body)).status]).toEqual([path, 404]);
      }
    }
    expect((await mine.call("GET", `${mine.path}/${own}`)).status).toBe(200);
  });

  it("needs a project that is there", async () => {
    const { path, call } = await createAccount();
    const nowhere = `${path}/projects/none/mtls-certificates`;
    const { upload } = await createUploader();
    expect((await upload("client")).status).toBe(201);
    const body = {
      certificate: pemOf("client"),
      privateKey: keyOf("client"),
      environmentTypes: ["preview"],
      name: "x",
    };
    expect((await call("POST", nowhere, body)).status).toBe(404);
    expect((await call("GET", nowhere)).status).toBe(404);
  });
});

describe("updating", () => {
  it("changes the environment types, and nothing else", async () => {
    const { path, call, upload } = await createUploader();
    const { warnings: _, ...before } = (await upload("client")).body;
    const answer = await call("PATCH", `${path}/${before.id}`, { environmentTypes: ["preview"] });
    expect(answer.body).toEqual({
      ...before,
      environmentTypes: ["preview"],
      updatedAt: answer.body.updatedAt,
      warnings: [],
    });
  });

  it("replaces certificate and key under the same id and name", async () => {
    const { account, path, call, upload } = await createUploader();
    const before = (await upload("client")).body;
    const pair = { certificate: pemOf("clientRsa"), privateKey: keyOf("clientRsa") };
    const after = await call("PATCH", `${path}/${before.id}`, pair);
    expect([after.status, after.body]).toMatchObject([
      200,
      { id: before.id, name: "aws_alb_cert", keyType: "RSA 2048" },
    ]);
    expect(after.body.version).not.toBe(before.version);
    const [bundled] = (await readDocument(account)).mtlsCertificates ?? [];
    expect(bundled).toMatchObject({ version: after.body.version, ...pair });
  });

  it.each([
    ["nothing", () => ({}), "invalid_request"],
    ["another name", () => ({ name: "other", environmentTypes: ["preview"] }), "invalid_request"],
    ["no environment type", () => ({ environmentTypes: [] }), "environment_type_missing"],
    ["a certificate without its key", () => ({ certificate: pemOf("rotatedClient") }), "key_pair_incomplete"],
    ["a key without its certificate", () => ({ privateKey: keyOf("rotatedClient") }), "key_pair_incomplete"],
    [
      "a key of another certificate",
      () => ({ certificate: pemOf("rotatedClient"), privateKey: keyOf("client") }),
      "private_key_mismatch",
    ],
  ])("with %s is refused", async (_, change, code) => {
    const { path, call, upload } = await createUploader();
    const { warnings: __, ...before } = (await upload("client")).body;
    const answer = await call("PATCH", `${path}/${before.id}`, change());
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect((await call("GET", `${path}/${before.id}`)).body).toMatchObject(before);
  });

  it("with a certificate that is there already is refused, here and beside it", async () => {
    const { path, call, upload } = await createUploader();
    const first = (await upload("client")).body.id;
    const second = (await upload("clientRsa", { name: "second" })).body.id;
    for (const id of [first, second]) {
      const answer = await call("PATCH", `${path}/${id}`, {
        certificate: pemOf("client"),
        privateKey: keyOf("client"),
      });
      expect([answer.status, answer.body.code]).toEqual([409, "mtls_certificate_exists"]);
      expect(answer.body.detail).toContain(first);
    }
  });
});

describe("disabling", () => {
  it("is done once, and undone by naming environment types, not by another certificate", async () => {
    const { path, call, upload } = await createUploader();
    const one = `${path}/${(await upload("client")).body.id}`;
    const disabled = await call("POST", `${one}/disable`);
    expect([disabled.status, disabled.body.isDisabled]).toEqual([200, true]);
    expect((await call("POST", `${one}/disable`)).body).toEqual(disabled.body);
    const pair = { certificate: pemOf("rotatedClient"), privateKey: keyOf("rotatedClient") };
    expect((await call("PATCH", one, pair)).body.isDisabled).toBe(true);
    expect((await call("PATCH", one, { environmentTypes: ["development"] })).body.isDisabled).toBe(false);
  });

  it("takes the key out of what edges get", async () => {
    const { account, path, call, upload } = await createUploader();
    const { id } = (await upload("client")).body;
    await call("POST", `${path}/${id}/disable`);
    const [bundled] = (await readDocument(account)).mtlsCertificates ?? [];
    expect([bundled?.isDisabled, bundled?.privateKey]).toEqual([true, undefined]);
  });
});

describe("deleting", () => {
  it("happens once, and makes name and certificate free", async () => {
    const { path, call, upload } = await createUploader();
    const { id } = (await upload("client")).body;
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(204);
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(404);
    expect((await upload("client")).status).toBe(201);
  });

  it("is refused while a deployment of the project names it", async () => {
    const { base, path, call, upload } = await createUploader();
    const { id } = (await upload("client")).body;
    const deploy = (environment: string, mtlsCertificateNames: string[]) =>
      call("PUT", `${base}/deployments/${environment}`, {
        environmentType: "preview",
        buildId: "b1",
        mtlsCertificateNames,
      });
    await deploy("staging", ["other", "aws_alb_cert"]);
    await deploy("unrelated", ["aws_alb"]);
    const refused = await call("DELETE", `${path}/${id}`);
    expect([refused.status, refused.body.code]).toEqual([409, "mtls_certificate_in_use"]);
    expect(refused.body.detail).toContain('"staging"');
    expect(refused.body.detail).not.toContain("unrelated");
    await deploy("staging", ["other"]);
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(204);
  });

  it("of a project waits for its certificates", async () => {
    const { base, path, call, upload } = await createUploader();
    const { id } = (await upload("client")).body;
    const refused = await call("DELETE", base);
    expect([refused.status, refused.body.code]).toEqual([409, "project_in_use"]);
    await call("DELETE", `${path}/${id}`);
    expect((await call("DELETE", base)).status).toBe(204);
  });
});
