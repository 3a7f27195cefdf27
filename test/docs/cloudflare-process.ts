/**
 * A stand-in for Cloudflare's API in the network of a page: writes its URL into the file that is named, and runs until it is
 * ended. What is not documented it refuses, and the page's command fails.
 */
import { writeFileSync } from "node:fs";
import { startCloudflareStandIn } from "../cloudflare/cloudflare-api.ts";

const [file = ""] = process.argv.slice(2);
const { url } = await startCloudflareStandIn();
writeFileSync(file, `${url}\n`);
console.log("Ready on", url);
