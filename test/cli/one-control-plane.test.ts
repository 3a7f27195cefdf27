/** A state directory has one control plane, and nobody replaces its database under it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdControlPlane } from "../../cli/control/control-lock.ts";
import { lockFile } from "../../cli/stack/file-lock.ts";
import { openStateDirectory } from "../../cli/stack/state-directory.ts";
import { until } from "../edge/harness/until.ts";
import { modeOf } from "./connection.ts";
import { startIn } from "./kept-control-plane.ts";
import { createWorkplace, type Workplace } from "./sallyport.ts";

const LOCK = fileURLToPath(new URL("../../cli/stack/file-lock.ts", import.meta.url));

let workplace: Workplace;
let backup: string;
beforeAll(async () => {
  workplace = createWorkplace();
  backup = join(workplace.path, "control.sqlite");
  const stateDir = join(workplace.path, "source");
  await using _ = await startIn(stateDir);
  expect(await workplace.run(["control", "backup", backup, "--state-dir", stateDir])).toMatchObject({ code: 0 });
});
afterAll(() => workplace?.[Symbol.dispose]());

/** The one that has `stateDir` among its arguments; it leads a group with workerd in it. */
function findControlProcess(stateDir: string): number | undefined {
  const lines = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).split("\n");
  const line = lines.find((one) => one.includes("control-process") && one.includes(stateDir));
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

function restoreInto(stateDir: string) {
  return workplace.run(["control", "restore", backup, "--state-dir", stateDir, "--force"]);
}

const RUNNING = /^sallyport: error: a control plane is running in ".*"\n.*hint: end it/;

test("a restore between two crashes is refused, and one after the end is not", async () => {
  const stateDir = join(workplace.path, "crashing");
  const control = await startIn(stateDir);
  // Whoever has its port keeps every further start from getting as far as the database.
  const blocker = createServer((socket) => socket.destroy());
  const port = Number(new URL(control.url).port);
  process.kill(findControlProcess(stateDir) ?? 0, "SIGKILL");
  blocker.on("error", () => setTimeout(() => blocker.listen(port, "127.0.0.1"), 5));
  blocker.listen(port, "127.0.0.1");
  await until(() => blocker.listening);
  expect((await restoreInto(stateDir)).stderr).toMatch(RUNNING);
  const ended = control[Symbol.asyncDispose]();
  blocker.close();
  await ended;
  expect(await restoreInto(stateDir)).toMatchObject({ code: 0 });
});

test("a second control plane is refused, and one that is started while a restore is under way", async () => {
  const stateDir = join(workplace.path, "held");
  {
    await using first = await startIn(stateDir);
    await expect(startIn(stateDir)).rejects.toThrow("a control plane is running");
    const second = await workplace.run(["control", "--state-dir", stateDir, "--control-port", "0"]);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(RUNNING);
    expect(await first.names("/v1/accounts")).toEqual([]);
  }
  using _restoring = holdControlPlane({ path: stateDir });
  await expect(startIn(stateDir)).rejects.toThrow("a control plane is running");
});

describe("a lock", () => {
  const script = `import { lockFile } from ${JSON.stringify(LOCK)};
    globalThis.lock = lockFile(process.argv[1]);
    console.log(globalThis.lock === undefined ? "taken" : "had");
    if (process.argv[2] === "keep") setInterval(() => {}, 1_000);`;

  async function lockElsewhere(path: string, ...more: string[]): Promise<{ child: ChildProcess; said: string }> {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, path, ...more]);
    const [said] = await once(child.stdout, "data");
    return { child, said: String(said).trim() };
  }

  test("is one process's, which has it once, and for its owner alone", async () => {
    const path = join(workplace.path, "a.lock");
    const lock = lockFile(path);
    expect(lock).toBeDefined();
    expect(lockFile(path)).toBeUndefined();
    expect((await lockElsewhere(path)).said).toBe("taken");
    lock?.[Symbol.dispose]();
    expect((await lockElsewhere(path)).said).toBe("had");
    expect(modeOf(path)).toBe("600");
  });

  test("of a process that was killed stops nobody", async () => {
    const path = join(workplace.path, "b.lock");
    const { child, said } = await lockElsewhere(path, "keep");
    expect(said).toBe("had");
    expect(lockFile(path)).toBeUndefined();
    child.kill("SIGKILL");
    await once(child, "exit");
    using lock = lockFile(path);
    expect(lock).toBeDefined();
  });

  test("that cannot be is an error with the path", () => {
    expect(() => lockFile(join(workplace.path, "no", "where.lock"))).toThrow(/where\.lock" cannot be locked: ENOENT/);
  });
});

describe("a state directory", () => {
  /** For whom a directory of root's is somebody else's */
  const NOBODY = 65_534;
  const isRoot = process.getuid?.() === 0;

  /** As another user, for as long as that takes */
  function openAsNobody(path: string): unknown {
    process.seteuid?.(NOBODY);
    try {
      return openStateDirectory(path).path;
    } catch (failure) {
      return failure;
    } finally {
      process.seteuid?.(0);
    }
  }

  test.runIf(isRoot)("of somebody else's that we may write to is refused, and a folder in it is not", () => {
    const volume = mkdtempSync(join(tmpdir(), "sallyport-volume-"));
    chmodSync(volume, 0o777);
    const inside = join(volume, "sallyport");
    expect(openAsNobody(volume)).toMatchObject({
      message: expect.stringContaining("it belongs to another user, so its mode cannot be set to 0700"),
      hints: [`name a folder in it, which is made: --state-dir ${inside}`],
    });
    expect(modeOf(volume)).toBe("777");
    expect(openAsNobody(inside)).toBe(inside);
    expect([modeOf(inside), statSync(inside).uid]).toEqual(["700", NOBODY]);
    rmSync(volume, { recursive: true });
  });

  test("that is a file is refused with the system's words", async () => {
    const path = workplace.write("a-file", "");
    const run = await workplace.run(["control", "--state-dir", path, "--control-port", "0"]);
    expect(run.stderr).toMatch(/^sallyport: error: ".*a-file" cannot be used as state directory: EEXIST/);
    expect(readFileSync(path, "utf8")).toBe("");
  });

  test("that is there is made private", async () => {
    const stateDir = join(workplace.path, "open");
    mkdirSync(stateDir, { mode: 0o755 });
    await using _ = await startIn(stateDir);
    expect(modeOf(stateDir)).toBe("700");
  });
});
