/** Paths of routes: whether one can be compiled, and whether two of them would be in each other's way. */
import type { PathMode } from "../../src/contract/project-files/routes-file.ts";
import { hasEnvSelector } from "../../src/contract/project-files/selectors.ts";
import { below, formatJsonPath, type Place, report, warn } from "./problem.ts";
import type { CompiledRoute } from "./routes.ts";

const PARAMETER = /\{([^{}]*)\}/g;
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** What is wrong with `path`, to stand after its name; undefined when nothing is. */
export function findPathProblem(path: string, pathMode: PathMode): string | undefined {
  if (!path.startsWith("/")) return 'does not begin with "/"';
  if (hasEnvSelector(path)) return "has a $env(…), which is allowed in the values of options only";
  if (/[?#]/.test(path)) return "has a query or fragment, a path is allowed";
  return pathMode === "open-api" ? findTemplateProblem(path) : findPatternProblem(path);
}

function findTemplateProblem(path: string): string | undefined {
  const names = [...path.matchAll(PARAMETER)].map(([, name = ""]) => name);
  const odd = names.find((name) => !PARAMETER_NAME.test(name));
  if (odd !== undefined) return `has the parameter {${odd}}, allowed: letters, digits, "_", "-" and "."`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `has the parameter {${twice}} twice`;
  return /[{}]/.test(path.replace(PARAMETER, "")) ? "has a brace without its partner" : undefined;
}

function findPatternProblem(path: string): string | undefined {
  try {
    new URLPattern({ pathname: path });
    return undefined;
  } catch (error) {
    return `is not a URL pattern: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What stands twice is an error: the second of two equal routes, or of two equal operation ids. */
export function reportRouteConflicts(routes: readonly CompiledRoute[]): void {
  reportTwice(
    routes,
    ({ definition }) => `${definition.method} ${definition.path}`,
    ({ place }) => place,
  );
  reportTwice(
    routes,
    ({ definition }) => definition.operationId,
    ({ place }) => below(place, "operationId"),
  );
  warnShadowed(routes);
}

function reportTwice(
  routes: readonly CompiledRoute[],
  keyOf: (route: CompiledRoute) => string | undefined,
  placeOf: (route: CompiledRoute) => Place,
): void {
  const first = new Map<string, Place>();
  for (const route of routes) {
    const key = keyOf(route);
    if (key === undefined) continue;
    const before = first.get(key);
    if (before === undefined) first.set(key, placeOf(route));
    else report(placeOf(route), `"${key}" is defined already, found at ${describePlace(before)}`);
  }
}

/** Routes that differ in nothing that a request could show: the first in document order gets them all. */
function warnShadowed(routes: readonly CompiledRoute[]): void {
  const first = new Map<string, CompiledRoute>();
  for (const route of routes) {
    const { method, path, pathMode } = route.definition;
    const key = `${pathMode} ${method} ${normalise(path)}`;
    const before = first.get(key);
    if (before === undefined) first.set(key, route);
    else if (before.definition.path !== path) {
      const other = `"${before.definition.path}" at ${describePlace(before.place)}`;
      warn(route.place, `"${path}" differs from ${other} in the names of parameters or in percent-encoding only`);
    }
  }
}

/** Parameters without their names, and percent-encoding undone where it means nothing (RFC 3986, section 6.2.2). */
function normalise(path: string): string {
  const named = path.replace(PARAMETER, "{}").replace(/:[A-Za-z_]\w*/g, ":");
  return named.replace(/%(?:2[DE]|3\d|[46][1-9A-F]|[57][0-9A]|5F|7E)/gi, decodeURIComponent);
}

function describePlace(place: Place): string {
  return `${place.file}: ${formatJsonPath(place.path)}`;
}
