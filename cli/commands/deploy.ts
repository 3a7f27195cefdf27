/** `sallyport deploy <host>`: the project on somebody else's machines. */
import { Command } from "commander";
import { addExamples } from "../output/examples.ts";

export function createDeployCommand(): Command {
  const command = new Command("deploy")
    .description("put the project where it serves")
    .addCommand(createCloudflareCommand());
  return addExamples(command, "sallyport deploy cloudflare --dry-run");
}

function createCloudflareCommand(): Command {
  const command = new Command("cloudflare")
    .description("upload certificates, ask clients for theirs, bind and deploy; shows what it would do, and asks")
    .option("--project-dir <dir>", "the project with config/, modules/ and wrangler.toml", ".")
    .option("--name <worker>", "name of the worker (default: name in wrangler.toml)")
    .option("--environment <name>", "the environment that the worker serves", "production")
    .option("--ca <name=file>", "CA certificate of clients; repeat it for several", collect, [])
    .option(
      "--hostname <host>",
      "where clients are asked for certificates of these CAs; repeat it for several",
      collect,
      [],
    )
    .option(
      "--mtls-certificate <name=cert,key>",
      "client certificate for origins and its private key; repeat it for several",
      collect,
      [],
    )
    .option("--dry-run", "show what would be done, and change nothing", false)
    .option("--yes", "do not ask", false)
    .action(async (flags) => {
      const { deployToCloudflare } = await import("../deploy/deploy-cloudflare.ts");
      await deployToCloudflare(flags);
    });
  command.addHelpText("after", "\nThe account: CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID, as for wrangler");
  return addExamples(
    command,
    "sallyport deploy cloudflare --dry-run --ca partners=./ca.pem --hostname api.example.com",
    "sallyport deploy cloudflare --ca partners=./ca.pem --hostname api.example.com --mtls-certificate aws_alb=./client.pem,./client.key",
  );
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
