import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./sallyport.ts";

function openssl(workplace: Workplace, ...parameters: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile("openssl", parameters, { cwd: workplace.path }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, text: `${stdout}${stderr}` });
    });
  });
}

/** Judged as a TLS server would judge a client. */
function verify(workplace: Workplace, leaf: string, ...more: string[]): Promise<{ code: number; text: string }> {
  return openssl(workplace, "verify", "-purpose", "sslclient", "-no-CApath", "-CAfile", "ca.pem", ...more, leaf);
}

function modes(workplace: Workplace): Record<string, string> {
  const names = readdirSync(workplace.path).sort();
  return Object.fromEntries(
    names.map((name) => [name, (statSync(join(workplace.path, name)).mode & 0o777).toString(8)]),
  );
}

function fileDates(text: string): number[] {
  return Array.from(text.matchAll(/^not(?:Before|After)=(.+)$/gm), ([, date = ""]) => Date.parse(date));
}

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

describe("pki init", () => {
  test.concurrent("makes a root that openssl accepts, and a key for its owner alone", async () => {
    using workplace = createWorkplace();
    const run = await workplace.run(["pki", "init"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /^CA certificate +ca.pem\nprivate key +ca.key.*\nsubject +CN=example-ca,O=Example,C=US\n/,
    );
    expect(run.stderr).toMatch(
      /^sallyport: hint: upload it: sallyport ca-certificate create --name my_ca --cert ca.pem$/m,
    );
    expect(modes(workplace)).toEqual({ "ca.key": "600", "ca.pem": "644" });
    const judged = await openssl(workplace, "verify", "-x509_strict", "-no-CApath", "-CAfile", "ca.pem", "ca.pem");
    expect(judged.text).toBe("ca.pem: OK\n");
    const { text } = await openssl(workplace, "x509", "-in", "ca.pem", "-noout", "-text");
    expect(text).toContain("CA:TRUE");
    expect(text).toContain("Certificate Sign, CRL Sign");
  });

  test.concurrent("takes name, subject, days and directory", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init", "--name", "acme, the CA", "--dir", "named"]);
    const named = await openssl(workplace, "x509", "-in", "named/ca.pem", "-noout", "-subject", "-nameopt", "RFC2253");
    expect(named.text).toBe("subject=CN=acme\\, the CA\n");
    const subject = "CN=acme,OU=Keys+L=Bern,O=Acme\\, Inc.,C=CH";
    await workplace.run(["pki", "init", "--subject", subject, "--days", "10", "--dir", "full"]);
    const show = ["-noout", "-subject", "-dates", "-nameopt", "RFC2253"];
    const full = await openssl(workplace, "x509", "-in", "full/ca.pem", ...show);
    expect(full.text).toMatch(/^subject=CN=acme,(OU=Keys\+L=Bern|L=Bern\+OU=Keys),O=Acme\\, Inc\.,C=CH\n/);
    const [notBefore = 0, notAfter = 0] = fileDates(full.text);
    expect(notAfter - notBefore).toBe(10 * DAY_MILLISECONDS + 60 * 60 * 1000);
  });

  test.concurrent("overwrites nothing unless forced", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init"]);
    const key = readFileSync(join(workplace.path, "ca.key"), "utf8");
    const refused = await workplace.run(["pki", "init", "-o", "json"]);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ code: "file_exists" });
    expect(refused.stderr).toMatch(/^sallyport: error: "ca.pem" exists\nsallyport: hint: .*--force/);
    expect(readFileSync(join(workplace.path, "ca.key"), "utf8")).toBe(key);
    expect((await workplace.run(["pki", "init", "--force"])).code).toBe(0);
    expect(readFileSync(join(workplace.path, "ca.key"), "utf8")).not.toBe(key);
    expect(modes(workplace)).toEqual({ "ca.key": "600", "ca.pem": "644" });
  });

  test.concurrent("a subject that is none is refused", async () => {
    using workplace = createWorkplace();
    const run = await workplace.run(["pki", "init", "--subject", "acme"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(
      /^sallyport: error: "acme" is not a distinguished name: .*\nsallyport: hint: write it like/,
    );
    expect(modes(workplace)).toEqual({});
  });
});

describe("pki issue", () => {
  test.concurrent("issues a client certificate that verifies under the CA", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init"]);
    const run = await workplace.run(["pki", "issue"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /^certificate +client.pem\nprivate key +client.key\nsubject +CN=client\nissuer +CN=example-ca/,
    );
    expect(run.stderr).toBe("sallyport: hint: send it: curl --cert client.pem --key client.key https://…\n");
    expect(modes(workplace)).toMatchObject({ "client.key": "600", "client.pem": "644" });
    expect((await verify(workplace, "client.pem", "-x509_strict")).text).toBe("client.pem: OK\n");
    const server = await openssl(workplace, "verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "client.pem");
    expect(server.text).toContain("unsuitable certificate purpose");
    const [publicKey, ofCertificate] = await Promise.all([
      openssl(workplace, "pkey", "-in", "client.key", "-pubout"),
      openssl(workplace, "x509", "-in", "client.pem", "-noout", "-pubkey"),
    ]);
    expect(publicKey.text).toBe(ofCertificate.text);
  });

  test.concurrent("takes subject, alternative names and days, and tells it all as JSON", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init", "--dir", "pki"]);
    const names = ["dns:*.acme.test", "uri:spiffe://acme.test/billing", "email:billing@acme.test", "ip:192.0.2.1"];
    const sans = names.flatMap((name) => ["--san", name]);
    const ca = ["--ca", "pki/ca.pem", "--ca-key", "pki/ca.key"];
    const subject = ["--name", "billing", "--subject", "CN=billing,O=Acme"];
    const run = await workplace.run(["pki", "issue", ...subject, ...sans, ...ca, "--days", "2", "-o", "json"]);
    expect(JSON.parse(run.stdout)).toMatchObject({
      certificate: "billing.pem",
      key: "billing.key",
      subject: "CN=billing,O=Acme",
      issuer: "CN=example-ca,O=Example,C=US",
    });
    const { text } = await openssl(
      workplace,
      "x509",
      "-in",
      "billing.pem",
      "-noout",
      "-ext",
      "subjectAltName",
      "-dates",
    );
    expect(text).toContain(
      "DNS:*.acme.test, URI:spiffe://acme.test/billing, email:billing@acme.test, IP Address:192.0.2.1",
    );
    const [notBefore = 0, notAfter = 0] = fileDates(text);
    expect(notAfter - notBefore).toBe(2 * DAY_MILLISECONDS + 60 * 60 * 1000);
  });

  test.concurrent("--intermediate makes an intermediate CA once, and the chain that a client sends", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init"]);
    expect((await workplace.run(["pki", "issue", "--name", "one", "--intermediate"])).code).toBe(0);
    const intermediate = readFileSync(join(workplace.path, "intermediate.pem"), "utf8");
    const run = await workplace.run(["pki", "issue", "--name", "two", "--intermediate"]);
    expect(run.stdout).toMatch(/^chain to send +two-chain.pem\n/m);
    expect(run.stdout).toMatch(/^issuer +CN=example-intermediate,O=Example,C=US/m);
    expect(run.stderr).toContain("curl --cert two-chain.pem --key two.key");
    expect(modes(workplace)).toMatchObject({ "intermediate.key": "600", "one.key": "600", "two.key": "600" });
    const leaf = readFileSync(join(workplace.path, "two.pem"), "utf8");
    expect(readFileSync(join(workplace.path, "two-chain.pem"), "utf8")).toBe(leaf + intermediate);
    for (const name of ["one", "two"]) {
      const chain = ["-x509_strict", "-untrusted", `${name}-chain.pem`];
      expect((await verify(workplace, `${name}.pem`, ...chain)).text).toBe(`${name}.pem: OK\n`);
    }
    expect((await verify(workplace, "two.pem")).code).toBe(1);
  });

  test.concurrent("an intermediate of another CA is not used", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init"]);
    await workplace.run(["pki", "issue", "--intermediate"]);
    await workplace.run(["pki", "init", "--force"]);
    const run = await workplace.run(["pki", "issue", "--name", "late", "--intermediate"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(
      /^sallyport: error: "intermediate.pem" was not issued by this CA\nsallyport: hint: .*--force/,
    );
    expect((await workplace.run(["pki", "issue", "--name", "late", "--intermediate", "--force"])).code).toBe(0);
    expect((await verify(workplace, "late.pem", "-untrusted", "late-chain.pem")).text).toBe("late.pem: OK\n");
  });

  test.concurrent("a certificate does not outlive its CA", async () => {
    using workplace = createWorkplace();
    await workplace.run(["pki", "init", "--days", "3"]);
    const run = await workplace.run(["pki", "issue", "--days", "30"]);
    expect(run.stderr).toMatch(/^sallyport: warning: the issuer ends before 30 days have passed/);
    const ends = await Promise.all(
      ["ca.pem", "client.pem"].map((file) => openssl(workplace, "x509", "-in", file, "-noout", "-enddate")),
    );
    expect(ends[1]).toEqual(ends[0]);
  });

  test.concurrent("a CA that openssl made, with a key of its own format, issues too", async () => {
    using workplace = createWorkplace();
    const request = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key", "-out", "ca.pem", "-days", "5"];
    await openssl(workplace, "req", ...request, "-subj", "/C=US/O=Own/CN=own-ca");
    await openssl(workplace, "rsa", "-in", "own.key", "-traditional", "-out", "traditional.key");
    const run = await workplace.run(["pki", "issue", "--ca", "ca.pem", "--ca-key", "traditional.key", "--days", "1"]);
    expect(run.code, run.stderr).toBe(0);
    expect((await verify(workplace, "client.pem")).text).toBe("client.pem: OK\n");
  });

  test.concurrent("what cannot work is refused, and no file is written", async () => {
    using workplace = createWorkplace();
    const missing = await workplace.run(["pki", "issue"]);
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toBe(
      'sallyport: error: "ca.pem" does not exist\n' +
        "sallyport: hint: make a CA first: sallyport pki init; or name one: --ca <file> --ca-key <file>\n",
    );
    await workplace.run(["pki", "init"]);
    await workplace.run(["pki", "init", "--dir", "other"]);
    await workplace.run(["pki", "issue", "--name", "leaf"]);
    await openssl(workplace, "pkey", "-in", "ca.key", "-aes256", "-passout", "pass:secret", "-out", "locked.key");
    const before = modes(workplace);
    const cases: [parameters: string[], error: string][] = [
      [["--ca-key", "other/ca.key"], '"ca.pem" does not belong to the private key'],
      [["--ca", "leaf.pem", "--ca-key", "leaf.key"], '"leaf.pem" is not a CA certificate'],
      [["--ca-key", "locked.key"], '"locked.key" is an encrypted key, allowed is one without a passphrase'],
      [["--ca-key", "ca.pem"], '"ca.pem" holds no private key that can be read'],
      [["--ca", "ca.key"], '"ca.key" holds no certificate that can be read'],
      [["--name", "ca", "--force"], '"ca" is not a name for files'],
      [["--name", "../up"], '"../up" is not a name for files'],
      [["--name", "leaf"], '"leaf.key" exists'],
      [["--san", "dns:a b"], '"dns:a b" does not name a dns'],
      [["--san", "host:a"], '"host:a" is not a subject alternative name, allowed are dns, uri, email, ip'],
      [["--san", "ip:300.1.1.1"], '"ip:300.1.1.1" does not name a ip'],
    ];
    for (const [parameters, error] of cases) {
      const run = await workplace.run(["pki", "issue", ...parameters]);
      expect(run).toMatchObject({ code: 1, stdout: "" });
      expect(run.stderr).toContain(`sallyport: error: ${error}`);
      expect(run.stderr).toMatch(/^sallyport: hint: /m);
    }
    expect(modes(workplace)).toEqual(before);
  });
});
