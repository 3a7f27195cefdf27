#!/usr/bin/env node
/**
 * What `sallyport` starts: the command, on a Node that is new enough. npm and npx find the one of the `node` package by
 * themselves; a global installation, or a script that names a path, may come here with any Node. So this file is plain
 * JavaScript that old ones read, and passes over to the package's own Node where it has to.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Client certificates are handled safely from here on (ARCHITECTURE.md, "Decisions") */
const NODE_MIN = [24, 21];

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

/** The path of the program that the `node` package put in place; undefined where it could not. */
function findPackagedNode() {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve("node/package.json");
    const path = join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
    return isNewEnough(require(manifest).version) && existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Ends as the command ended. Children find the same Node first. */
function runWith(node) {
  const environment = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const parameters = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node, parameters, { stdio: "inherit", env: environment });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends its own to all of the group, and a second one would end the command at once.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (failure) => refuse(`"${node}" cannot be started: ${failure.message}`));
  child.on("exit", (code) => process.exit(code ?? 1));
}

function refuse(message) {
  process.stderr.write(`sallyport: error: ${message}\n`);
  process.stderr.write(
    `sallyport: hint: npm may have kept back the install script of the "node" package, which brings one: ` +
      `npm install-scripts approve node && npm rebuild node; or put Node ${NODE_MIN.join(".")} or newer first in PATH\n`,
  );
  process.exit(1);
}

/** In a checkout the sources, in the package what tsdown made of them. */
async function runHere() {
  const source = new URL("../cli/main.ts", import.meta.url);
  await import(existsSync(source) ? source.href : new URL("../dist/cli/main.js", import.meta.url).href);
}

if (isNewEnough(process.versions.node)) await runHere();
else {
  const node = findPackagedNode();
  if (node === undefined) {
    refuse(`Node ${process.versions.node} is too old, Sallyport needs ${NODE_MIN.join(".")} or newer`);
  }
  runWith(node);
}
