/**
 * The two selectors of project files: `$import(…)` names a module and is resolved by the build, `$env(…)` names a
 * variable and is resolved by the worker, because variables belong to the environment that a worker runs in.
 */

/** Modules of project files that mean the runtime itself: our own name, and the compatible one. */
export const RUNTIME_MODULES: readonly string[] = ["@zuplo/runtime", "@sallyport/runtime"];

/** A module of the project as the definition names it: no extension, always below `modules/`. */
export type UserModule = `./modules/${string}`;

/** Found by {@link parseImportSelector}; `invalid` carries what is wrong with it. */
type ImportSelector =
  | { kind: "runtime"; module: string }
  | { kind: "user"; module: UserModule }
  | { kind: "invalid"; reason: string };

const IMPORT_SELECTOR = /^\$import\(([^()]*)\)$/;
const USER_MODULE_PREFIX = "./modules/";
const MODULE_EXTENSION = /\.(?:[cm]?[jt]s|[jt]sx)$/;
/** A path segment that means the same on every file system; a leading dot would also let `..` through. */
const PATH_SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** Text that looks like an `$env(…)`, well-formed or not. */
const ENV_SELECTOR_START = "$env(";
const ENV_SELECTOR = /\$env\([A-Za-z_][A-Za-z0-9_]*\)/g;

/** `"$import(./modules/x)"` → where the module is to be found. Never throws, and never leaves `modules/`. */
export function parseImportSelector(text: string): ImportSelector {
  const target = IMPORT_SELECTOR.exec(text)?.[1];
  if (target === undefined) return { kind: "invalid", reason: "is not of the form $import(…)" };
  if (RUNTIME_MODULES.includes(target)) return { kind: "runtime", module: target };
  if (!isUserModule(target)) {
    return { kind: "invalid", reason: `names neither ${RUNTIME_MODULES.join(", ")} nor a module below ./modules/` };
  }
  if (MODULE_EXTENSION.test(target)) return { kind: "invalid", reason: "must name the module without its extension" };
  if (
    !target
      .slice(USER_MODULE_PREFIX.length)
      .split("/")
      .every((segment) => PATH_SEGMENT.test(segment))
  ) {
    return { kind: "invalid", reason: "has a path segment that is empty, begins with a dot or has odd characters" };
  }
  return { kind: "user", module: target };
}

function isUserModule(target: string): target is UserModule {
  return target.startsWith(USER_MODULE_PREFIX);
}

/** Whether `text` holds something that looks like `$env(…)`, well-formed or not. */
export function hasEnvSelector(text: string): boolean {
  return text.includes(ENV_SELECTOR_START);
}

/** Whether `text` holds an `$env(` that is not followed by a variable name and a closing parenthesis. */
export function hasMalformedEnvSelector(text: string): boolean {
  return hasEnvSelector(text.replace(ENV_SELECTOR, ""));
}
