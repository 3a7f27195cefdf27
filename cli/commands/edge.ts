/** `sallyport edge`: the edge alone, in front of a worker that somebody else runs. */
import { Command, Option } from "commander";
import { deploymentOptions, edgeOptions, processesOption } from "../stack/flags.ts";

export function createEdgeCommand(): Command {
  const command = new Command("edge")
    .description("run the edge alone, in front of a worker that somebody else runs")
    .requiredOption("--upstream <url>", "where the worker listens, http://localhost:8787")
    .addOption(
      new Option(
        "--trust-bundle <file>",
        "accounts, domains and CA certificates, instead of a control plane",
      ).conflicts("controlUrl"),
    )
    .option("--control-url <url>", "take accounts, domains and CA certificates from this control plane")
    .addOption(new Option("--api-key <key>", "an edge key of that control plane").env("SALLYPORT_EDGE_KEY"));
  for (const option of [processesOption(), ...edgeOptions(), ...deploymentOptions()]) command.addOption(option);
  return command
    .addHelpText(
      "before",
      `Examples:
  $ sallyport edge --upstream http://localhost:8787                      with the demo's CA
  $ sallyport edge --upstream http://10.0.0.7:8787 --control-url https://control.example.com   key in SALLYPORT_EDGE_KEY
`,
    )
    .action(async (flags) => {
      const { runEdge } = await import("../stack/run-edge.ts");
      await runEdge(flags);
    });
}
