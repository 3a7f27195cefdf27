/** What is sent to a control plane, and what is said when there is none where one should be. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { createWorkplace, type Run } from "./sallyport.ts";

const KEY = `spk_abc_${"1".repeat(64)}`;
const SETTINGS = { SALLYPORT_API_KEY: KEY, SALLYPORT_ACCOUNT: "acme" };

async function startServer(listener: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function list(apiUrl: string, ...more: string[]): Promise<Run> {
  using workplace = createWorkplace(SETTINGS);
  const run = await workplace.run(["ca-certificate", "list", "--api-url", apiUrl, ...more]);
  expect(run.stdout + run.stderr).not.toContain(KEY);
  return run;
}

test.concurrent("nobody listens: it says how to start", async () => {
  const server = await startServer(() => {});
  await server[Symbol.asyncDispose]();
  const run = await list(server.url, "-o", "json");
  expect(run.code).toBe(1);
  expect(run.stderr).toBe(
    `sallyport: error: "${server.url}" does not answer: connection refused\n` +
      "sallyport: hint: is it running? start it with npm start or sallyport dev\n",
  );
  expect(JSON.parse(run.stdout)).toMatchObject({ code: "control_plane_unreachable" });
});

test.concurrent("an answer that does not come is waited for as long as --timeout says", async () => {
  await using server = await startServer(() => {});
  const run = await list(server.url, "--timeout", "0.2");
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(
    /^sallyport: error: "http:\/\/127.0.0.1:\d+" did not answer within 0.2 s\nsallyport: hint: /,
  );
});

test.concurrent("who watches on a terminal is told what is waited for, and nobody else", async () => {
  await using server = await startServer(() => {});
  using workplace = createWorkplace(SETTINGS);
  const parameters = ["whoami", "--api-url", server.url, "--timeout", "1.5"];
  const watched = await workplace.run(parameters, { answers: [] });
  expect(watched.stderr).toContain(`waiting for ${server.url}…`);
  expect((await workplace.run(parameters)).stderr).not.toContain("waiting");
});

test.concurrent("an answer that ends in the middle is no answer", async () => {
  await using server = await startServer((_, response) => {
    response.writeHead(200, { "content-length": "100" }).write("{");
    setImmediate(() => response.destroy());
  });
  expect((await list(server.url)).stderr).toMatch(/^sallyport: error: "http:.*" does not answer: /);
});

describe("something else listens", () => {
  const others: [title: string, listener: RequestListener, found: string][] = [
    [
      "a page",
      (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>hello"),
      "200 and text/html",
    ],
    ["other JSON", (_, response) => response.writeHead(200).end('{"data":[{"id":7}]}'), "200"],
    ["an error without a problem document", (_, response) => response.writeHead(502).end("bad gateway"), "502"],
  ];

  test.concurrent.each(others)("%s", async (_, listener, found) => {
    await using server = await startServer(listener);
    const run = await list(server.url);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(`"${server.url}" does not answer like a control plane: found ${found}\n`);
  });

  test.concurrent("a redirect is not followed, so the key stays here", async () => {
    const asked: string[] = [];
    await using other = await startServer((request, response) => {
      asked.push(request.headers.authorization ?? "");
      response.end("{}");
    });
    await using server = await startServer((_, response) => response.writeHead(307, { location: other.url }).end());
    expect((await list(server.url)).code).toBe(1);
    expect(asked).toEqual([]);
  });
});

test.concurrent("text from elsewhere cannot steer the terminal", async () => {
  const problem = { code: "odd", detail: "red \u001B[31m\r\nsallyport: error: forged", hint: "\u202Egnp.exe" };
  await using server = await startServer((_, response) => response.writeHead(400).end(JSON.stringify(problem)));
  const run = await list(server.url);
  expect(run.stderr).toBe(
    "sallyport: error: red \uFFFD[31m\uFFFD\uFFFDsallyport: error: forged\nsallyport: hint: \uFFFDgnp.exe\n",
  );
});

test.concurrent("of a CA file only the certificate is sent, with the key in a header and nowhere else", async () => {
  const root = await createCertificateAuthority({ subject: "CN=root" });
  const requests: { method: string; url: string; key: string; body: string }[] = [];
  await using server = await startServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    const { method = "", url = "", headers } = request;
    requests.push({ method, url, key: headers.authorization ?? "", body });
    response.writeHead(409).end('{"code":"name_taken","detail":"taken"}');
  });
  using workplace = createWorkplace({ ...SETTINGS, SALLYPORT_API_URL: `${server.url}/` });
  workplace.write("ca.pem", `notes about it\r\n${root.certificatePem.replaceAll("\n", "\r\n")}more notes`);
  await workplace.run(["ca-certificate", "create", "--name", "my_ca", "--cert", "ca.pem"]);
  expect(requests).toEqual([
    {
      method: "POST",
      url: "/v1/accounts/acme/ca-certificates",
      key: `Bearer ${KEY}`,
      body: JSON.stringify({ name: "my_ca", certificate: root.certificatePem }),
    },
  ]);
});

test.concurrent("a list is read page by page until there is no more", async () => {
  const asked: string[] = [];
  await using server = await startServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://localhost");
    const [offset, limit] = [Number(searchParams.get("offset")), Number(searchParams.get("limit"))];
    asked.push(`${offset} ${limit}`);
    const left = Math.max(0, Math.min(limit, 2_000 - offset));
    const verification = { type: "TXT", name: "", value: "" };
    const data = Array.from({ length: left }, (_, index) => ({
      id: "",
      hostname: `h${offset + index}.test`,
      project: "",
      status: "active",
      verification,
    }));
    response.end(JSON.stringify({ data, offset, limit }));
  });
  using workplace = createWorkplace({ ...SETTINGS, SALLYPORT_API_URL: server.url });
  const run = await workplace.run(["custom-domain", "list", "-o", "json"]);
  const { data } = JSON.parse(run.stdout) as { data: { hostname: string }[] };
  expect(new Set(data.map(({ hostname }) => hostname)).size).toBe(2_000);
  expect(data).toHaveLength(2_000);
  expect(asked).toEqual(["0 1000", "1000 1000", "2000 1000"]);
});

test.concurrent("a key that would travel in clear is warned about", async () => {
  const run = await list("http://control.invalid");
  expect(run.stderr).toMatch(/^sallyport: warning: "http:\/\/control.invalid" is not encrypted/);
});
