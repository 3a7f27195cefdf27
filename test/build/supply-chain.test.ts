/** What comes from others: exact versions, few install scripts, and a reason for each dependency. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

interface LockedPackage {
  version?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
  link?: boolean;
}

const manifest = JSON.parse(read("package.json")) as Record<"dependencies" | "devDependencies", Record<string, string>>;
const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
/** `node_modules/a/node_modules/@b/c` → `@b/c` */
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

it("versions are exact, in the manifest as in the lock file, and every package has its hash", () => {
  const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter((version) => !/^(?:npm:@?[\w/.-]+@)?\d+\.\d+\.\d+(?:-[\w.-]+)?$/.test(version))).toEqual([]);
  expect(packages.filter(([, { integrity, link }]) => integrity === undefined && link !== true)).toEqual([]);
});

it("the lock file names no registry", () => {
  expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

it("only packages that CONTRIBUTING.md justifies have an install script", () => {
  const [, section = ""] = read("CONTRIBUTING.md").split("## Install scripts");
  const scripted = new Set(packages.filter(([, locked]) => locked.hasInstallScript).map(([path]) => nameOf(path)));
  expect([...scripted].filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
  expect([...scripted].sort()).toEqual(["esbuild", "node", "workerd"]);
});

it("every dependency of what we ship has its reason in ARCHITECTURE.md", () => {
  const [, section = ""] = read("ARCHITECTURE.md").split("## Dependencies");
  expect(Object.keys(manifest.dependencies).filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
});

it("nothing of Zuplo's own packages is installed: their licence forbids it", () => {
  expect(packages.filter(([path]) => nameOf(path).startsWith("@zuplo/"))).toEqual([]);
});
