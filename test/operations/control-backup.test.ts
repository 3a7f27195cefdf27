/** `sallyport control backup` and `restore`, with a control plane that runs and is written to. */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { modeOf } from "../cli/connection.ts";
import { type KeptControlPlane, masterKeyPath, startIn } from "../cli/kept-control-plane.ts";
import { createWorkplace, type Run, type Workplace } from "../cli/sallyport.ts";

interface BackupDocument {
  file: string;
  accounts: number;
  mtlsCertificates: number;
  masterKeyIds: string[];
  schemaVersion: string;
}

let workplace: Workplace;
let source: string;
let control: KeptControlPlane;
/** A good one, made while the control plane ran */
let backup: string;
/** What was answered 201 before it was begun */
const answeredBefore: string[] = [];
let made: BackupDocument;
let firstRun: Run;

const PROJECT = "/v1/accounts/acme/projects/shop";

beforeAll(async () => {
  workplace = createWorkplace();
  source = join(workplace.path, "source");
  control = await startIn(source);
  await uploadKey();
  const answered: string[] = [];
  let isWriting = true;
  const writers = ["a", "b", "c"].map(async (writer) => {
    for (let index = 0; isWriting; index += 1) {
      const name = `${writer}${index}`;
      if ((await control.create("/v1/accounts", { name })) === 201) answered.push(name);
    }
  });
  while (answered.length < 30) await new Promise((resolve) => setTimeout(resolve, 10));
  backup = join(workplace.path, "control.sqlite");
  answeredBefore.push(...answered);
  firstRun = await workplace.run(["control", "backup", backup, "--state-dir", source, "-o", "json"]);
  const answeredMeanwhile = answered.length - answeredBefore.length;
  isWriting = false;
  await Promise.all(writers);
  expect(firstRun.code, firstRun.stderr).toBe(0);
  expect(answeredMeanwhile, "the control plane was written to meanwhile").toBeGreaterThan(0);
  made = JSON.parse(firstRun.stdout) as BackupDocument;
});

afterAll(async () => {
  await control?.[Symbol.asyncDispose]();
  workplace?.[Symbol.dispose]();
});

async function uploadKey(): Promise<void> {
  await control.create("/v1/accounts", { name: "acme" });
  await control.create("/v1/accounts/acme/projects", { name: "shop" });
  const authority = await createCertificateAuthority({ subject: "CN=origin-clients" });
  const leaf = await authority.issue({ subject: "CN=gateway" });
  const body = {
    name: "origin",
    certificate: leaf.certificatePem,
    privateKey: leaf.keyPem,
    environmentTypes: ["production"],
  };
  expect(await control.create(`${PROJECT}/mtls-certificates`, body)).toBe(201);
}

/** Restores and backs up from there, to see what came of it. */
function restoreInto(stateDir: string, file = backup, ...more: string[]): Promise<Run> {
  return workplace.run(["control", "restore", file, "--state-dir", stateDir, ...more]);
}

function fileIn(name: string): string {
  return join(workplace.path, name);
}

describe("backup", () => {
  test("is for its owner alone, holds no master key, and says where that is needed", () => {
    expect(modeOf(backup)).toBe("600");
    expect(readdirSync(workplace.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(readFileSync(backup).includes(readFileSync(masterKeyPath(source), "utf8").trim())).toBe(false);
    expect(made.masterKeyIds).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
    expect(firstRun.stderr).toContain(`hint: the master key (${made.masterKeyIds[0]}) is not in it`);
    expect(made).toMatchObject({ file: backup, mtlsCertificates: 1 });
    expect(made.accounts).toBeGreaterThan(answeredBefore.length);
  });

  test("overwrites nothing unasked", async () => {
    const before = readFileSync(backup);
    const refused = await workplace.run(["control", "backup", backup, "--state-dir", source]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^sallyport: error: ".*control\.sqlite" exists\n.*--force/);
    expect(readFileSync(backup).equals(before)).toBe(true);
    const copy = fileIn("again.sqlite");
    writeFileSync(copy, "what was there", { mode: 0o644 });
    expect(await workplace.run(["control", "backup", copy, "--state-dir", source, "--force"])).toMatchObject({
      code: 0,
    });
    expect(modeOf(copy)).toBe("600");
  });

  test("of a directory without a control plane is refused, and makes none", async () => {
    const run = await workplace.run(["control", "backup", fileIn("none.sqlite"), "--state-dir", fileIn("empty")]);
    expect(run.stderr).toMatch(/^sallyport: error: ".*empty" has no control plane's database in it\n.*--state-dir/);
    expect(existsSync(fileIn("empty")) || existsSync(fileIn("none.sqlite"))).toBe(false);
  });

  test("of a database that is damaged is refused, and so is a place that cannot be written to", async () => {
    const stateDir = fileIn("damaged");
    expect(await restoreInto(stateDir)).toMatchObject({ code: 0 });
    const [path = ""] = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".sqlite"),
    );
    const unwritable = await workplace.run(["control", "backup", fileIn("no/where"), "--state-dir", stateDir]);
    expect(unwritable.stderr).toMatch(/^sallyport: error: ".*where" cannot be written: ENOENT/);
    truncateSync(join(stateDir, path), 20_000);
    const damaged = await workplace.run(["control", "backup", fileIn("bad.sqlite"), "--state-dir", stateDir]);
    expect(damaged.stderr).toMatch(/^sallyport: error: the control plane's database is damaged: .*\n.*hint: /);
    expect(readdirSync(workplace.path).filter((name) => /^bad|\.tmp$/.test(name))).toEqual([]);
  });
});

describe("restore", () => {
  test("brings back everything that was answered before the backup began", async () => {
    const stateDir = fileIn("restored");
    const run = await restoreInto(stateDir);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain(`warning: private keys are sealed under the master key ${made.masterKeyIds[0]}`);
    expect(run.stderr).toContain("SALLYPORT_MASTER_KEY");
    copyFileSync(masterKeyPath(source), masterKeyPath(stateDir));
    await using restored = await startIn(stateDir);
    expect(await restored.names("/v1/accounts")).toEqual(expect.arrayContaining([...answeredBefore, "acme"]));
    expect(await restored.names(`${PROJECT}/mtls-certificates`)).toEqual(["origin"]);
    expect(await restored.create("/v1/accounts", { name: "afterwards" })).toBe(201);
    const rewrap = ["master-key", "rewrap", "--api-url", restored.url, "--api-key", restored.adminKey, "-o", "json"];
    const { stdout } = await workplace.run(rewrap);
    expect(JSON.parse(stdout)).toMatchObject({ masterKeyId: made.masterKeyIds[0], remaining: 0, unreadable: [] });
  });

  test("is silent about a master key that is there", async () => {
    const environment = { SALLYPORT_MASTER_KEY: readFileSync(masterKeyPath(source), "utf8") };
    const stateDir = fileIn("with-key");
    const run = await workplace.run(["control", "restore", backup, "--state-dir", stateDir], { environment });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const [database = ""] = readdirSync(stateDir, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".sqlite"),
    );
    expect(modeOf(join(stateDir, database))).toBe("600");
  });

  test("refuses while the control plane runs, also when nobody has asked it anything for a while", async () => {
    const before = await control.names("/v1/accounts");
    for (const wait of [0, 12_000]) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      const run = await restoreInto(source, backup, "--force");
      expect(run).toMatchObject({ code: 1, stdout: "" });
      expect(run.stderr).toMatch(/^sallyport: error: a control plane is running in ".*source"\n.*hint: end it/);
    }
    expect(await control.names("/v1/accounts")).toEqual(before);
  });

  test("replaces a database only when told to, and moves the old one aside", async () => {
    const stateDir = fileIn("replaced");
    expect(await restoreInto(stateDir)).toMatchObject({ code: 0 });
    const refused = await restoreInto(stateDir);
    expect(refused.stderr).toMatch(/^sallyport: error: ".*replaced" has a control plane's database already\n.*--force/);
    const forced = await restoreInto(stateDir, backup, "--force", "-o", "json");
    const { replaced } = JSON.parse(forced.stdout) as { replaced: string };
    expect(readdirSync(replaced, { recursive: true }).some((name) => String(name).endsWith(".sqlite"))).toBe(true);
  });
});

describe("a backup file that is not good is refused, and leaves no state directory behind:", () => {
  function change(name: string, edit: (path: string) => void): string {
    const path = fileIn(`${name}.sqlite`);
    copyFileSync(backup, path);
    edit(path);
    return path;
  }

  function withSql(sql: string) {
    return (path: string) => {
      using database = new DatabaseSync(path);
      database.exec(sql);
    };
  }

  /** In every copy of the text: pages have room that nothing is read from. */
  function flipBits(path: string): void {
    const bytes = readFileSync(path);
    const text = "CN=origin-clients";
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text))
      bytes[at + text.length - 1] = "r".charCodeAt(0);
    writeFileSync(path, bytes);
  }

  test.each<[string, RegExp, (path: string) => void]>([
    ["one that was cut off", /is damaged: /, (path) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    ["one with a bit flipped in a text", /is damaged: its rows are not/, flipBits],
    ["one that was edited", /is damaged: its rows are not/, withSql("DELETE FROM audit_log WHERE id = 1")],
    ["one without its note", /is not a backup of a control plane/, withSql("DROP TABLE sallyport_backup")],
    ["another file", /is not a backup of a control plane/, (path) => writeFileSync(path, "a".repeat(10_000))],
    ["an empty file", /is not a backup of a control plane/, (path) => truncateSync(path, 0)],
    [
      "one of a later version",
      /was made by Sallyport \S+ and has the schema "9999_later\.sql", which is not known here/,
      withSql("INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')"),
    ],
  ])("%s", async (name, message, edit) => {
    const path = change(name.replaceAll(" ", "-"), edit);
    const stateDir = fileIn("never");
    const run = await restoreInto(stateDir, path);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/^sallyport: error: "/);
    expect(run.stderr.split("\n")[0]).toMatch(message);
    expect(run.stderr).toMatch(/^sallyport: hint: /m);
    expect(existsSync(stateDir)).toBe(false);
  });

  test("one that is not there", async () => {
    const run = await restoreInto(fileIn("never"), fileIn("missing"));
    expect(run.stderr).toMatch(/^sallyport: error: ".*missing" cannot be read: ENOENT/);
  });
});
