import { describe, expect, it } from "vitest";
import { createUploader, keyForm, keyOf, linesOf, uploadOf } from "./mtls-uploads.ts";
import { certificate, pemOf } from "./support.ts";

const derOf = (name: "client") => atob(certificate(name).derBase64);
/** Truly DER of a key, one byte a character */
const keyDer = () => atob(linesOf(keyOf("client")).join(""));

describe("an upload is refused when", () => {
  it.each<[string, () => object, string, string, RegExp]>([
    ["the file is DER", () => ({ certificate: derOf("client") }), "certificate", "certificate_is_der", /inform der/],
    ["the file is empty", () => ({ certificate: "" }), "certificate", "no_certificate", /-----BEGIN CERTIFICATE-----/],
    [
      "the certificate is cut off",
      () => ({ certificate: pemOf("truncated") }),
      "certificate",
      "certificate_unreadable",
      /openssl x509 -in client-cert.pem/,
    ],
    [
      "the certificate's file holds the key too",
      () => ({ certificate: pemOf("client") + keyOf("client") }),
      "certificate",
      "private_key_in_file",
      /privateKey/,
    ],
    ["it has expired", () => uploadOf("expiredClient"), "certificate", "certificate_expired", /replaced/],
    [
      "an intermediate has expired",
      () => uploadOf("underExpired", { certificate: pemOf("underExpired") + pemOf("expiredIntermediate") }),
      "certificate",
      "certificate_expired",
      /replaced/,
    ],
    ["its key is RSA 1024", () => uploadOf("clientRsa1024"), "certificate", "key_too_small", /RSA 2048/],
    [
      "it is for servers only",
      () => uploadOf("serverOnly"),
      "certificate",
      "not_for_client_authentication",
      /extendedKeyUsage = clientAuth/,
    ],
    [
      "the intermediate comes first",
      () => uploadOf("chained", { certificate: pemOf("intermediate") + pemOf("chained") }),
      "certificate",
      "chain_out_of_order",
      /client certificate first/,
    ],
    [
      "a link of the chain is missing",
      () => uploadOf("chained", { certificate: pemOf("chained") + pemOf("root") }),
      "certificate",
      "chain_out_of_order",
      /client certificate first/,
    ],
    [
      "the issuer's namesake follows",
      () => ({ certificate: pemOf("client") + pemOf("rotated") }),
      "certificate",
      "chain_out_of_order",
      /the certificate that issued it/,
    ],
    [
      "there are too many certificates",
      () => ({ certificate: pemOf("client") + pemOf("root").repeat(10) }),
      "certificate",
      "too_many_certificates",
      /root may be left out/,
    ],
    [
      "the key is of another certificate",
      () => ({ privateKey: keyOf("rotatedClient") }),
      "privateKey",
      "private_key_mismatch",
      /openssl pkey/,
    ],
    [
      "the key is of another kind",
      () => ({ privateKey: keyOf("clientRsa") }),
      "privateKey",
      "private_key_mismatch",
      /openssl pkey/,
    ],
    ["the key is DER", () => ({ privateKey: keyDer() }), "privateKey", "private_key_is_der", /-inform der/],
    [
      "there is no key in the file",
      () => ({ privateKey: pemOf("client") }),
      "privateKey",
      "no_private_key",
      /-----BEGIN PRIVATE KEY-----/,
    ],
    ["the key's file is empty", () => ({ privateKey: "" }), "privateKey", "no_private_key", /PEM/],
    [
      "there are two keys in the file",
      () => ({ privateKey: keyOf("client") + keyOf("clientRsa") }),
      "privateKey",
      "several_private_keys",
      /alone/,
    ],
    [
      "the key is encrypted (PKCS #8)",
      () => ({ privateKey: keyForm("encryptedPkcs8") }),
      "privateKey",
      "private_key_encrypted",
      /openssl pkey -in/,
    ],
    [
      "the key is encrypted (the older way)",
      () => ({ privateKey: keyForm("encryptedSec1") }),
      "privateKey",
      "private_key_encrypted",
      /openssl pkey -in/,
    ],
    [
      "the key has another form",
      () => ({ privateKey: keyForm("unknownForm") }),
      "privateKey",
      "private_key_unsupported",
      /openssl pkcs8 -topk8 -nocrypt/,
    ],
    [
      "the key is cut off",
      () => ({ privateKey: keyOf("client").slice(0, 100) }),
      "privateKey",
      "private_key_unreadable",
      /PEM/,
    ],
    [
      "the key is another thing in a key's clothes",
      () => ({ privateKey: pemOf("client").replaceAll("CERTIFICATE", "PRIVATE KEY") }),
      "privateKey",
      "private_key_unreadable",
      /openssl pkcs8/,
    ],
    [
      "no environment type is named",
      () => ({ environmentTypes: [] }),
      "environmentTypes",
      "environment_type_missing",
      /kinds of environment/,
    ],
    [
      "environment types are left out",
      () => ({ environmentTypes: undefined }),
      "environmentTypes",
      "environment_type_missing",
      /kinds of environment/,
    ],
  ])("%s", async (_, otherwise, path, code, hint) => {
    const uploader = await createUploader();
    const answer = await uploader.upload("client", otherwise());
    expect([answer.status, answer.body.code, answer.body.errors]).toMatchObject([400, code, [{ path, code }]]);
    expect(answer.body.hint).toMatch(hint);
    expect((await uploader.call("GET", uploader.path)).body.data).toEqual([]);
  });

  it("an environment type is unknown", async () => {
    const { upload } = await createUploader();
    const answer = await upload("client", { environmentTypes: ["staging"] });
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([400, "environmentTypes.0"]);
    expect(answer.body.detail).toContain("production");
  });

  it("its name is not an identifier; the name that would do is said", async () => {
    const { upload } = await createUploader();
    const answer = await upload("client", { name: "aws-alb-cert" });
    expect([answer.status, answer.body.code]).toEqual([400, "name_not_identifier"]);
    expect(answer.body.hint).toMatch(/: aws_alb_cert$/);
    expect((await upload("client", { name: "1st" })).body.hint).toMatch(/not beginning with a digit$/);
  });

  it("its name is taken in the project; in another it is free", async () => {
    const { base, path, call, upload } = await createUploader();
    await upload("client");
    const taken = await upload("rotatedClient");
    expect([taken.status, taken.body.code]).toEqual([409, "name_taken"]);
    await call("POST", base.replace("/shop", ""), { name: "second" });
    expect((await call("POST", path.replace("/shop/", "/second/"), uploadOf("client"))).status).toBe(201);
  });

  it("it is there already, under whatever name", async () => {
    const { upload } = await createUploader();
    const { id } = (await upload("client")).body;
    for (const name of ["aws_alb_cert", "again"]) {
      const answer = await upload("client", { name });
      expect([answer.status, answer.body.code]).toEqual([409, "mtls_certificate_exists"]);
      expect(answer.body.detail).toContain(id);
    }
  });

  it("two race for one name: one of them wins", async () => {
    const { path, call, upload } = await createUploader();
    const answers = await Promise.all([upload("client"), upload("rotatedClient"), upload("clientP384")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect((await call("GET", path)).body.data?.length).toBe(1);
  });

  it("it has several faults, all of which are told", async () => {
    const { upload } = await createUploader();
    const answer = await upload("client", { name: "a-b", certificate: "hello", privateKey: "", environmentTypes: [] });
    expect(answer.body.errors?.map(({ path, code }) => [path, code]).sort()).toEqual([
      ["certificate", "no_certificate"],
      ["environmentTypes", "environment_type_missing"],
      ["name", "name_not_identifier"],
      ["privateKey", "no_private_key"],
    ]);
  });

  it("its parts are not what they should be", async () => {
    const { path, call, upload } = await createUploader();
    expect((await call("POST", path, {})).status).toBe(400);
    expect((await upload("client", { privateKey: ["x"], certificate: 1 })).status).toBe(400);
    for (const piece of ["-----BEGIN PRIVATE KEY-----\n", "MIIB", "-----BEGIN ", "\n", "0\u0080"]) {
      const answer = await upload("client", { privateKey: piece.repeat(2000), certificate: piece.repeat(2000) });
      expect(answer.status).toBe(400);
    }
  });
});
