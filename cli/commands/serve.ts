/** `sallyport serve`: the gateway for real use, on one machine or with a control plane elsewhere. */
import { Command, Option } from "commander";
import { controlOptions, deploymentOptions, edgeOptions, originOptions, processesOption } from "../stack/flags.ts";

const METRICS_PORT = 9464;

export function createServeCommand(): Command {
  const command = new Command("serve")
    .description("run the gateway for throughput: edge, worker under Miniflare, control plane")
    .option("--project-dir <dir>", "the project with config/ and modules/", ".")
    .option("--once", "start, send the requests of the ready block, show the answers, end", false)
    .option("--tls-dir <dir>", "server certificates, <host name>.pem and <host name>.key, picked up when they change")
    .option("--control-url <url>", "use the control plane there instead of an embedded one")
    .addOption(new Option("--api-key <key>", "an edge key of that control plane").env("SALLYPORT_EDGE_KEY"));
  const options = [
    processesOption(),
    ...edgeOptions(METRICS_PORT),
    ...deploymentOptions(),
    ...controlOptions(),
    ...originOptions(),
  ];
  for (const option of options) command.addOption(option);
  return command
    .addHelpText(
      "before",
      `Examples:
  $ sallyport serve --no-origin --environment production
  $ sallyport serve --tls-dir /etc/sallyport/tls --control-url https://control.example.com   key in SALLYPORT_EDGE_KEY
  $ kill -HUP <pid>                       takes the project up again, without losing a request
`,
    )
    .action(async (flags) => {
      const { runServe } = await import("../stack/run-serve.ts");
      await runServe(flags);
    });
}
