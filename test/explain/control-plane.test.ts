/** `sallyport explain` by what is uploaded to a real control plane. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { startControlPlane, type TestControlPlane } from "../cli/control-plane.ts";
import { createWorkplace, type Workplace } from "./run-explain.ts";

const CERTIFICATES_COUNT = 20;

let control: TestControlPlane;
let workplace: Workplace;
let root: CertificateAuthority;
let keys: Record<"acme" | "globex", string>;

beforeAll(async () => {
  control = await startControlPlane();
  workplace = createWorkplace();
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  keys = { acme: await control.createAccount("acme", "shop"), globex: await control.createAccount("globex", "site") };
  await upload("my_ca", root);
  for (let number = 1; number < CERTIFICATES_COUNT; number++) {
    await upload(`ca_${number}`, await createCertificateAuthority({ subject: `CN=ca-${number}` }));
  }
  await claim({ hostname: "api.example.com", project: "shop", verified: true });
  await claim({ hostname: "pending.example.com", project: "shop" });
  workplace.write("client.pem", (await root.issue({ subject: "CN=client" })).chainPem);
});
afterAll(async () => {
  workplace[Symbol.dispose]();
  await control[Symbol.asyncDispose]();
});

function upload(name: string, { certificatePem }: CertificateAuthority) {
  return control.send("POST", "/v1/accounts/acme/ca-certificates", { name, certificate: certificatePem });
}

function claim(domain: object) {
  return control.send("POST", "/v1/accounts/acme/custom-domains", domain);
}

async function explain(account: keyof typeof keys, ...parameters: string[]) {
  const environment = { SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: keys[account] };
  const run = await workplace.explain(["--cert", "client.pem", "-o", "json", ...parameters], { environment });
  return { code: run.code, stderr: run.stderr, explanation: run.json() };
}

it("names the uploaded CA certificate that anchors the chain, and the account that the key is of", async () => {
  const { code, explanation } = await explain("acme");
  expect(code).toBe(0);
  expect(explanation).toMatchObject({
    verified: true,
    account: "acme",
    domain: "shop.acme.localhost",
    anchors: [{ id: expect.stringMatching(/^mtlsca_/), name: "my_ca" }],
  });
  expect(explanation.steps.find(({ check }) => check === "uploads")?.text).toBe(
    `${CERTIFICATES_COUNT} CA certificates uploaded to account "acme"`,
  );
});

it("takes active domains, custom and managed, for what they are", async () => {
  for (const domain of ["api.example.com", "shop.acme.localhost"]) {
    expect((await explain("acme", "--domain", domain)).explanation).toMatchObject({ verified: true, domain });
  }
});

it.each([
  ["pending.example.com", /not active yet/, /sallyport custom-domain verify --hostname pending.example.com$/],
  ["site.globex.localhost", /not a domain of account "acme"/, /api.example.com/],
  ["localhost", /requests for it end with 421/, /sallyport custom-domain create --hostname localhost/],
])("says of %s that no CA certificate applies on it", async (domain, text, hint) => {
  const { code, explanation } = await explain("acme", "--domain", domain);
  expect(code).toBe(1);
  expect(explanation).toMatchObject({ status: "FAILED", reason: "no CA certificate applies to this server name" });
  expect(explanation.steps.filter(({ ok }) => !ok)).toEqual([
    { check: "domain", ok: false, text: expect.stringMatching(text), hint: expect.stringMatching(hint) },
  ]);
});

it("judges by the account's own CA certificates alone", async () => {
  const { code, explanation } = await explain("globex");
  expect(code).toBe(1);
  expect(explanation).toMatchObject({ reason: "unable to get local issuer certificate", account: "globex" });
  expect(explanation.steps.find(({ check }) => check === "uploads")).toMatchObject({
    ok: false,
    hint: "upload the root: sallyport ca-certificate create --name my_ca --cert root.pem",
  });
});

it("explains nothing to whoever asks for another account", async () => {
  const environment = { SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: keys.globex };
  const { code, stdout, stderr } = await workplace.explain(["--cert", "client.pem", "--account", "acme"], {
    environment,
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^sallyport: error: .*\nsallyport: hint: looked in account "acme"/);
});
