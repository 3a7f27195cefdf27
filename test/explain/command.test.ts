/** `sallyport explain` without a control plane: what goes in, what comes out, and the exit code. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { createWorkplace, type Workplace } from "./run-explain.ts";

let root: CertificateAuthority;
let intermediate: CertificateAuthority;
let workplace: Workplace;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-ca,O=Example,C=US" });
  intermediate = await root.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
  const client = await intermediate.issue({ subject: "CN=client,O=Example,C=US" });
  workplace = createWorkplace();
  workplace.write("root.pem", root.certificatePem);
  workplace.write("intermediate.pem", intermediate.certificatePem);
  workplace.write("client.pem", client.certificatePem);
  workplace.write("chain.pem", client.chainPem);
  workplace.write("reversed.pem", intermediate.certificatePem + client.certificatePem);
  workplace.write("with-key.pem", client.keyPem + client.chainPem);
  workplace.write("client.der", client.der);
  workplace.write("large.pem", (await root.issue({ subject: "CN=large", sizeBytes: 12_000 })).chainPem);
});
afterAll(() => workplace[Symbol.dispose]());

describe("a chain that verifies", () => {
  it("is told step by step, with the line for the policy, and exit 0", async () => {
    const { code, stdout, stderr } = await workplace.explain(["--cert", "chain.pem", "--ca", "root.pem"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^2 certificates, as the edge would judge a client that presents them to localhost\n/);
    expect(stdout).toContain(
      '✓ chain        CN=client, O=Example, C=US ← CN=example-intermediate, O=Example, C=US (in the file) ← CN=example-ca, O=Example, C=US (CA certificate "root"); anchored by "root" (root.pem)\n',
    );
    expect(stdout).toContain('\nSUCCESS: it verifies, anchored by "root" (root.pem)\n');
    expect(stdout).toMatch(/\n {2}"certIssuerDN": "CN=example-intermediate, O=Example, C=US"\n$/);
    expect(stdout).not.toMatch(/✗|! /);
  });

  it("is one JSON document with -o json", async () => {
    const run = await workplace.explain(["--cert", "chain.pem", "--ca", "root.pem", "-o", "json"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.json()).toMatchObject({
      verified: true,
      status: "SUCCESS",
      reason: "",
      domain: "localhost",
      account: null,
      anchors: [{ id: "root.pem", name: "root" }],
      certificates: [
        {
          subject: "CN=client, O=Example, C=US",
          issuer: "CN=example-intermediate, O=Example, C=US",
          keyType: "EC P-256",
        },
        { subject: "CN=example-intermediate, O=Example, C=US" },
      ],
      certIssuerDN: "CN=example-intermediate, O=Example, C=US",
    });
    expect(
      run
        .json()
        .steps.map(({ check }) => check)
        .join(" "),
    ).toBe("file order domain uploads chain signature validity purpose authority strength constraints size");
  });

  it.each([[["--cert", "-"]], [[]]])("may come from standard input: %j", async (parameters) => {
    const input = intermediate.certificatePem;
    const run = await workplace.explain([...parameters, "--ca", "root.pem", "-o", "json"], { input });
    expect(run.json().certificates).toHaveLength(1);
    expect(run.json().steps[0]?.text).toBe("1 certificate found in standard input");
  });

  it("may be judged by several files of CA certificates, for any host name", async () => {
    const parameters = ["--cert", "chain.pem", "--ca", "intermediate.pem", "root.pem", "-o", "json"];
    const run = await workplace.explain([...parameters, "--domain", "API.Example.com."]);
    expect(run.json()).toMatchObject({ verified: true, domain: "api.example.com" });
    expect(
      run
        .json()
        .anchors.map(({ name }) => name)
        .sort(),
    ).toEqual(["intermediate", "root"]);
  });
});

describe("a chain that does not verify", () => {
  it.each([
    ["chain", "client.pem", "root.pem", /^send the intermediate: .*CN=example-intermediate/],
    ["chain", "chain.pem", "intermediate.pem", /^upload the root rather than the intermediate, .*CN=example-ca/],
    ["order", "reversed.pem", "root.pem", /^put the client's certificate first, probably CN=client, O=Example/],
  ])("ends with 1, and says in %s what to do: %s under %s", async (check, cert, ca, hint) => {
    const run = await workplace.explain(["--cert", cert, "--ca", ca, "-o", "json"]);
    expect(run).toMatchObject({ code: 1, stderr: "" });
    expect(run.json()).toMatchObject({ verified: false, status: "FAILED", anchors: [] });
    expect(run.json().steps.find((step) => step.check === check)).toMatchObject({
      ok: false,
      hint: expect.stringMatching(hint),
    });
  });

  it("shows mark, hint and reason to a person", async () => {
    const { code, stdout } = await workplace.explain(["--cert", "client.pem", "--ca", "root.pem"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n {2}✗ chain .* neither in the file nor uploaded\n +→ send the intermediate/);
    expect(stdout).toContain("\nFAILED: unable to get local issuer certificate\n");
  });
});

describe("what deserves a warning and changes no verdict:", () => {
  it("a private key in the file is never repeated", async () => {
    const { code, stdout } = await workplace.explain(["--cert", "with-key.pem", "--ca", "root.pem"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/! file .* and a private key found.*\n +→ the private key .* never share it/);
    expect(stdout).not.toContain("BEGIN");
  });

  it("a leaf that is too large to be forwarded", async () => {
    const { code, stdout } = await workplace.explain(["--cert", "large.pem", "--ca", "root.pem"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/! size .* client certificate metadata not provided\n +→ have a smaller leaf issued/);
  });
});

describe("what cannot be judged ends with 1, an error and a hint:", () => {
  it("a file that is no PEM", async () => {
    const { code, stdout, stderr } = await workplace.explain(["--cert", "client.der", "--ca", "root.pem"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^sallyport: error: "client.der": .*\nsallyport: hint: convert it: openssl x509 -inform der/,
    );
  });

  it("nothing on standard input", async () => {
    const { code, stderr } = await workplace.explain(["--ca", "root.pem"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: error: "standard input": the input holds no PEM block/);
  });

  it("a file that is not there", async () => {
    const { code, stderr } = await workplace.explain(["--cert", "chain.pem", "--ca", "missing.pem"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: error: "missing.pem" cannot be read: ENOENT.*\nsallyport: hint: /);
  });

  it("no control plane and no --ca", async () => {
    const { code, stderr } = await workplace.explain(["--cert", "chain.pem"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: error: no control plane is known here/);
  });
});

it.each([[["--domain", "two,hosts"]], [["-o", "yaml"]], [["--ca"]]])(
  "wrong usage ends with 2: %j",
  async (parameters) => {
    const { code, stdout, stderr } = await workplace.explain(["--cert", "chain.pem", ...parameters]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^sallyport: error: /);
  },
);
