/** A test's process, to be killed while it has a gateway: prints its address when it answers. */
import { startGateway } from "../../testing/node/index.ts";

const { url } = await startGateway({ project: process.argv[2] ?? "." });
process.stdout.write(`${url}\n`);
