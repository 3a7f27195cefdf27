/** The package, packed and installed once, and a project with what it needs: pages start from copies. */
import { rm } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { createProject, createWorkshop, packAndInstall, succeed } from "../package/workshop.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder with `node_modules/.bin/sallyport`, and with the project `app` */
    workshop: string;
    /** Of npm, which pages share, though each has a home of its own */
    npmCache: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const workshop = createWorkshop();
  try {
    await packAndInstall(workshop.path);
    await createProject(workshop.path, "app");
  } catch (failure) {
    workshop[Symbol.dispose]();
    throw failure;
  }
  project.provide("workshop", workshop.path);
  project.provide("npmCache", (await succeed(workshop.path, "npm", "config", "get", "cache")).trim());
  // A gigabyte: not in the way of vitest, which ends its workers meanwhile.
  return () => rm(workshop.path, { recursive: true, force: true });
}
