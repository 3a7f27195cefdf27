import { expect, test } from "vitest";
import { createWorkplace, type Run } from "./sallyport.ts";

async function run(...parameters: string[]): Promise<Run> {
  using workplace = createWorkplace();
  return await workplace.run(parameters);
}

const COMMANDS = [
  "init",
  "control",
  "control backup",
  "control restore",
  "build",
  "deploy",
  "deploy cloudflare",
  "ca-certificate",
  "ca-certificate create",
  "ca-certificate list",
  "ca-certificate describe",
  "ca-certificate update",
  "ca-certificate delete",
  "custom-domain",
  "custom-domain create",
  "custom-domain list",
  "custom-domain verify",
  "custom-domain delete",
  "pki",
  "pki init",
  "pki issue",
  "login",
  "logout",
  "whoami",
  "link",
];

test.concurrent.each(COMMANDS)("%s --help begins with examples", async (command) => {
  const { code, stdout, stderr } = await run(...command.split(" "), "--help");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Examples:\n  (\\S+="\\$KEY" )?sallyport ${command.split(" ")[0]}`));
  expect(stdout).toContain(`Usage: sallyport ${command} [options]`);
});

test.concurrent.each([
  [["ca-certificate", "lst"], "unknown command 'lst'", "did you mean list?"],
  [["ca-certificates"], "unknown command 'ca-certificates'", "did you mean ca-certificate?"],
  [["custom-domain", "list", "--ofset", "1"], "unknown option '--ofset'", "did you mean --offset?"],
  [["ca-certificate", "create", "--name", "a"], "required option '--cert <file>' not specified", "--help shows"],
  [
    ["ca-certificate", "list", "-o", "yaml"],
    "argument 'yaml' is invalid. Allowed choices are default, json.",
    "--help",
  ],
  [["whoami", "--api-url", "ftp://a"], "argument 'ftp://a' is invalid. Give http(s)://host", "--help"],
  [["whoami", "--timeout", "soon"], "argument 'soon' is invalid.", "--help"],
  [["pki", "init", "--days", "0"], "argument '0' is invalid. Days are 1 to", "--help"],
])("wrong usage is exit 2 with a hint: %s", async (parameters, error, hint) => {
  const { code, stdout, stderr } = await run(...parameters);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr.split("\n")[0]).toMatch(/^sallyport: error: /);
  expect(stderr.split("\n")[0]).toContain(error);
  expect(stderr.split("\n")[1]).toMatch(/^sallyport: hint: /);
  expect(stderr).toContain(hint);
});

test.concurrent("a group without a verb shows its help, exit 2", async () => {
  const { code, stdout, stderr } = await run("ca-certificate");
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^Examples:/);
});
