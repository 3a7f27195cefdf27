/** `sallyport master-key rewrap` and which key it goes with; the whole of a rotation is a test of the system. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMasterKeys } from "../../cli/control/master-keys.ts";
import { openStateDirectory } from "../../cli/stack/state-directory.ts";
import { modeOf } from "./connection.ts";
import { startControlPlane, type TestControlPlane } from "./control-plane.ts";
import { createWorkplace, type Workplace } from "./sallyport.ts";

const REWRAP = ["master-key", "rewrap"];
const ADMIN_KEY = `spk_bootstrap_${"1".repeat(64)}`;

interface Step {
  rewrapped: number;
  remaining: number;
  unreadable?: string[];
}

/** Answers one request after the other with `steps`, and keeps what was asked by which key. */
async function startScript(...steps: Step[]) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ masterKeyId: "0123456789abcdef", unreadable: [], ...steps[seen.length - 1] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As `sallyport dev` leaves it. */
function pretendLocalStack(workplace: Workplace, control: string, adminKey: string): void {
  const apiKey = workplace.write(".sallyport/api-key", `spk_abc_${"2".repeat(64)}\n`);
  workplace.write(".sallyport/admin-key", `${adminKey}\n`);
  const note = { control, account: "local", project: "example", pid: process.pid, files: { apiKey } };
  workplace.write(".sallyport/ready.json", JSON.stringify(note));
}

describe("rewrap", () => {
  test.concurrent("asks until nothing remains, and says what was done in all", async () => {
    const steps = [2, 1, 0].map((remaining) => ({ rewrapped: 1000, remaining }));
    await using script = await startScript(...steps, ...steps);
    using workplace = createWorkplace({ SALLYPORT_API_URL: script.url, SALLYPORT_API_KEY: ADMIN_KEY });
    const run = await workplace.run(REWRAP);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toBe("3000 private keys rewrapped, all are under the master key 0123456789abcdef\n");
    expect(run.stderr).toMatch(/^sallyport: hint: .* SALLYPORT_MASTER_KEY alone/);
    expect(script.seen).toEqual(Array(3).fill(`POST /v1/master-key/rewrap Bearer ${ADMIN_KEY}`));
    const asJson = await workplace.run([...REWRAP, "-o", "json"]);
    expect(JSON.parse(asJson.stdout)).toEqual({
      masterKeyId: "0123456789abcdef",
      rewrapped: 3000,
      remaining: 0,
      unreadable: [],
    });
  });

  test.concurrent("fails when some cannot be decrypted, and names them, having done the rest", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `cert_${index}`);
    const last = { rewrapped: 0, remaining: 15, unreadable: ids };
    await using script = await startScript({ rewrapped: 5, remaining: 15, unreadable: ids }, last, last);
    using workplace = createWorkplace({ SALLYPORT_API_URL: script.url, SALLYPORT_API_KEY: ADMIN_KEY });
    const run = await workplace.run(REWRAP);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(
      /^sallyport: error: "cert_0", .*, "cert_9" and 2 more cannot be decrypted with the previous master key; 3 private keys under neither the present nor the previous master key; 5 private keys rewrapped\n/,
    );
    expect(run.stderr).toMatch(/^sallyport: hint: .*sallyport mtls-certificate update/m);
    expect(run.stderr).toMatch(/^sallyport: hint: set SALLYPORT_PREVIOUS_MASTER_KEY/m);
    const asJson = await workplace.run([...REWRAP, "-o", "json"]);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ code: "rewrap_incomplete", remaining: 15, unreadable: ids });
  });

  test.concurrent("goes with the admin key of the local stack, unless another is given", async () => {
    await using script = await startScript({ rewrapped: 1, remaining: 0 }, { rewrapped: 0, remaining: 0 });
    using workplace = createWorkplace();
    pretendLocalStack(workplace, script.url, ADMIN_KEY);
    expect((await workplace.run(REWRAP)).stdout).toMatch(/^1 private key rewrapped/);
    const other = ADMIN_KEY.replaceAll("1", "3");
    await workplace.run([...REWRAP, "--api-key", other]);
    expect(script.seen.map((request) => request.split(" ").at(-1))).toEqual([ADMIN_KEY, other]);
  });

  test.concurrent("a local stack's admin key goes to that stack alone", async () => {
    await using script = await startScript();
    using workplace = createWorkplace();
    pretendLocalStack(workplace, script.url, ADMIN_KEY);
    const run = await workplace.run([...REWRAP, "--api-url", "http://127.0.0.1:1"]);
    expect(run.stderr).toMatch(/^sallyport: error: "http:\/\/127.0.0.1:1" wants an API key/);
    workplace.write(".sallyport/admin-key", "no key\n");
    expect((await workplace.run(REWRAP)).stderr).toMatch(/^sallyport: error: no control plane is known here/);
  });
});

describe("against a control plane", () => {
  let control: TestControlPlane;

  beforeAll(async () => {
    control = await startControlPlane();
  });

  afterAll(() => control[Symbol.asyncDispose]());

  test("the admin key of a local stack is one that may", async () => {
    using workplace = createWorkplace();
    pretendLocalStack(workplace, control.url, control.adminKey);
    expect(await workplace.run(REWRAP)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 private keys/) });
  });

  test("an account's key may not, and the hint says which one may", async () => {
    const key = await control.createAccount("acme");
    using workplace = createWorkplace({ SALLYPORT_API_URL: control.url, SALLYPORT_API_KEY: key });
    const run = await workplace.run(REWRAP);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/^sallyport: error: "account" is the scope of this API key, allowed here: admin\n/);
    expect(run.stderr).toMatch(/^sallyport: hint: give an admin key: .*admin-key/m);
  });
});

describe("the master keys that a local control plane is started with", () => {
  const [present = "", previous = ""] = [1, 2].map(() => randomBytes(32).toString("base64"));

  test("are those of the environment, else one that is made once and kept for its owner alone", () => {
    using workplace = createWorkplace();
    const state = openStateDirectory(workplace.path);
    const made = readMasterKeys(state, { SALLYPORT_MASTER_KEY: "" });
    expect(Buffer.from(made.SALLYPORT_MASTER_KEY, "base64")).toHaveLength(32);
    expect(modeOf(`${workplace.path}/master-key`)).toBe("600");
    expect(readMasterKeys(state, {})).toEqual(made);
    const given = { SALLYPORT_MASTER_KEY: `${present}\n`, SALLYPORT_PREVIOUS_MASTER_KEY: previous };
    expect(readMasterKeys(state, given)).toEqual({ ...given, SALLYPORT_MASTER_KEY: present });
  });

  test("are refused when they are none, without being repeated", () => {
    using workplace = createWorkplace();
    const state = openStateDirectory(workplace.path);
    for (const name of ["SALLYPORT_MASTER_KEY", "SALLYPORT_PREVIOUS_MASTER_KEY"]) {
      expect(() => readMasterKeys(state, { [name]: "hunter2" })).toThrow(
        new RegExp(`^"${name}" is not a master key, expected are 32 bytes in base64: openssl rand -base64 32$`),
      );
    }
    workplace.write("master-key", "hunter2\n");
    expect(() => readMasterKeys(state, {})).toThrow(/master-key" does not hold a master key/);
  });
});
