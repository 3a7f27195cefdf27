/** `sallyport control`: the control plane alone, and backups of its database. */
import { Command, Option } from "commander";
import { outputOption } from "../api/options.ts";
import type { BackupFlags } from "../control-backup/backup.ts";
import type { RestoreFlags } from "../control-backup/restore.ts";
import { addExamples } from "../output/examples.ts";
import { createLazyAction } from "../output/lazy-action.ts";
import type { OutputFlags } from "../output/result.ts";
import { controlOptions, stateOptions } from "../stack/flags.ts";

export function createControlCommand(): Command {
  const command = new Command("control").description("run the control plane alone, back its database up, restore it");
  for (const option of [hostOption(), ...stateOptions(), ...controlOptions()]) command.addOption(option);
  addExamples(
    command,
    "sallyport control --state-dir /var/lib/sallyport",
    "sallyport control backup /backup/control.sqlite --state-dir /var/lib/sallyport",
  );
  return command
    .addCommand(createBackup())
    .addCommand(createRestore())
    .action(async (flags) => {
      const { runControl } = await import("../stack/run-control.ts");
      await runControl(flags);
    });
}

function hostOption(): Option {
  return new Option(
    "--host <address>",
    "the address that the control plane listens on; it speaks HTTP, and API keys and private keys pass: beyond loopback, " +
      "put TLS in front of it",
  ).default("127.0.0.1");
}

function createBackup(): Command {
  const command = new Command("backup")
    .description("copy the database of a control plane, running or not; the master key is not in it")
    .argument("<file>", "where to write it")
    .option("--force", "overwrite a file that is there", false);
  addExamples(
    command,
    'sallyport control backup "control-$(date +%F).sqlite" --state-dir /var/lib/sallyport',
    "sallyport control backup control.sqlite -o json",
  );
  return addAction<BackupFlags>(command, async () => (await import("../control-backup/backup.ts")).backUp);
}

function createRestore(): Command {
  const command = new Command("restore")
    .description("put a backup in the place of the database of a control plane that is stopped")
    .argument("<file>", "what `sallyport control backup` wrote")
    .option("--force", "replace a database that is there; it is moved aside, not deleted", false);
  addExamples(command, "sallyport control restore control.sqlite --state-dir /var/lib/sallyport");
  return addAction<RestoreFlags>(command, async () => (await import("../control-backup/restore.ts")).restore);
}

/** `--state-dir` is of `control` as well, which takes it wherever it stands: flags are read from both. */
function addAction<Flags extends OutputFlags>(
  command: Command,
  load: () => Promise<(file: string, flags: Flags) => Promise<void>>,
): Command {
  const [stateDir] = stateOptions();
  if (stateDir !== undefined) command.addOption(stateDir);
  return command.addOption(outputOption()).action(async (file: string, _: unknown, self: Command) => {
    const run = createLazyAction<Flags>(async () => {
      const act = await load();
      return (flags) => act(file, flags);
    });
    await run(self.optsWithGlobals<Flags>());
  });
}
