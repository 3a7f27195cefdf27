/** `sallyport init`: a project of one's own. */
import { Command, Option } from "commander";
import { outputOption } from "../api/options.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";

/** The CA that `sallyport dev` makes, so that a new project can be tried at once */
export const DEMO_ISSUER = "CN=example-ca, O=Example, C=US";

export function createInitCommand(): Command {
  const run = createLazyAction(async () => (await import("../init/init.ts")).initializeProject);
  const command = new Command("init")
    .description("make a project: routes with client certificates in both directions, and tests for them")
    .argument("[dir]", "where it goes: a folder that is new, or empty")
    .option("--name <name>", "of the project and its worker (default: that of the folder)")
    .option("--issuer <dn>", `who issues your clients' certificates (default: that of the demo, "${DEMO_ISSUER}")`)
    .addOption(
      new Option(
        "--package <spec>",
        "where npm takes sallyport from: a version, or the path of a packed one (default: as this one was installed)",
      ),
    )
    .option("-y, --yes", "ask nothing", false)
    .addOption(outputOption())
    .action((dir, flags) => run({ ...flags, dir }));
  return addExamples(
    command,
    "sallyport init my-gateway",
    'sallyport init my-gateway --yes --issuer "CN=acme-ca,O=Acme,C=US"',
  );
}
