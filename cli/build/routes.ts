/** Compiles the route files: one definition for each operation, in document order, files in alphabetical order. */
import type { JsonObject, JsonValue, RouteDefinition } from "../../src/contract/project.ts";
import {
  OPERATION_FIELDS,
  operationSchema,
  PATH_EXTENSION,
  PATH_ITEM_FIELDS,
  type PathMode,
  pathExtensionSchema,
  pathItemSchema,
  ROUTE_EXTENSION,
  type RouteExtension,
  routeExtensionSchema,
  routesFileSchema,
} from "../../src/contract/project-files/routes-file.ts";
import { reportMisplacedSelectors } from "./environment-selectors.ts";
import { describeKind, type ExportKind, type ModuleUse, resolveReference } from "./module-references.ts";
import { type CompiledPolicies, POLICIES_FILE } from "./policies.ts";
import { below, type Place, report } from "./problem.ts";
import { findPathProblem } from "./route-paths.ts";
import { validate } from "./validate.ts";
import { warnOfZuploExtensions } from "./zuplo-features.ts";

/** A route and where it stands; what compares routes with each other needs both. */
export interface CompiledRoute {
  place: Place;
  definition: RouteDefinition;
}

interface RouteContext {
  /** Undefined when the policies file cannot be read: then nothing is said about names of policies */
  policies: CompiledPolicies | undefined;
  uses: ModuleUse[];
}

/** Fields of a path item without its extensions. */
const PATH_FIELDS: ReadonlySet<string> = new Set([...OPERATION_FIELDS, ...PATH_ITEM_FIELDS]);

export function compileRoutes(document: JsonValue, place: Place, context: RouteContext): CompiledRoute[] {
  const file = validate(routesFileSchema, document, place);
  warnOfZuploExtensions(file ?? {}, undefined, place);
  return Object.entries(file?.paths ?? {}).flatMap(([path, item]) =>
    // OpenAPI allows extensions beside the paths
    path.startsWith("x-") ? [] : compilePathItem(path, item, below(place, "paths", path), context),
  );
}

function compilePathItem(path: string, value: unknown, place: Place, context: RouteContext): CompiledRoute[] {
  const item = validate(pathItemSchema, value, place);
  if (item === undefined) return [];
  warnOfZuploExtensions(item, PATH_EXTENSION, place);
  for (const key of Object.keys(item)) {
    if (PATH_FIELDS.has(key) || (key.startsWith("x-") && !isNearMiss(key, PATH_EXTENSION))) continue;
    report(below(place, key), `"${key}" is not a key here, allowed: ${[...PATH_FIELDS, PATH_EXTENSION].join(", ")}`);
  }
  reportMisplacedSelectors(item[PATH_EXTENSION], below(place, PATH_EXTENSION));
  const pathMode = validate(pathExtensionSchema, item[PATH_EXTENSION] ?? {}, below(place, PATH_EXTENSION))?.pathMode;
  const pathProblem = pathMode === undefined ? undefined : findPathProblem(path, pathMode);
  if (pathProblem !== undefined) report(place, `"${path}" ${pathProblem}`);
  return OPERATION_FIELDS.filter((method) => Object.hasOwn(item, method)).flatMap((method) =>
    compileOperation({ path, method, pathMode: pathMode ?? "open-api" }, item[method], below(place, method), context),
  );
}

/** Another spelling of a key that would otherwise be passed over in silence, as `x-zuplo_path`. */
function isNearMiss(key: string, expected: string): boolean {
  return key !== expected && key.toLowerCase().replaceAll("_", "-") === expected;
}

interface OperationKey {
  path: string;
  /** Lower case, as the document has it */
  method: string;
  pathMode: PathMode;
}

function compileOperation(key: OperationKey, value: unknown, place: Place, context: RouteContext): CompiledRoute[] {
  const operation = validate(operationSchema, value, place);
  if (operation === undefined) return [];
  warnOfZuploExtensions(operation, ROUTE_EXTENSION, place);
  const { operationId } = operation;
  reportMisplacedSelectors(operationId, below(place, "operationId"));
  const here = below(place, ROUTE_EXTENSION);
  reportMisplacedSelectors(operation[ROUTE_EXTENSION], here);
  const route = validate(routeExtensionSchema, operation[ROUTE_EXTENSION], here);
  if (route === undefined) return [];
  reportUnknownPolicies(route, here, context.policies);
  const resolved = resolveReference(route.handler, below(here, "handler"), ["handler"], context.uses);
  if (resolved === undefined) return [];
  const definition = {
    path: key.path,
    pathMode: key.pathMode,
    method: key.method.toUpperCase(),
    ...(operationId === undefined ? {} : { operationId }),
    corsPolicy: route.corsPolicy,
    handler: resolved.reference,
    policies: route.policies,
    raw: value as JsonObject,
  };
  return [{ place, definition }];
}

function reportUnknownPolicies(route: RouteExtension, place: Place, compiled: CompiledPolicies | undefined): void {
  if (compiled === undefined) return;
  reportPolicyNames(route.policies.inbound, "inbound-policy", below(place, "policies", "inbound"), compiled);
  reportPolicyNames(route.policies.outbound, "outbound-policy", below(place, "policies", "outbound"), compiled);
  if (!compiled.corsNames.has(route.corsPolicy)) {
    const allowed = [...compiled.corsNames].join(", ");
    report(below(place, "corsPolicy"), `"${route.corsPolicy}" is not a CORS policy, allowed: ${allowed}`);
  }
}

function reportPolicyNames(
  names: readonly string[],
  kind: ExportKind,
  place: Place,
  { policies }: CompiledPolicies,
): void {
  names.forEach((name, index) => {
    const policy = policies.get(name);
    const here = below(place, index);
    if (policy === undefined) {
      report(here, `"${name}" is not a policy, found ${[...policies.keys()].join(", ") || "none"} in ${POLICIES_FILE}`);
    } else if (policy.kind !== undefined && policy.kind !== kind) {
      report(here, `"${name}" is ${describeKind(policy.kind)}, expected: ${describeKind(kind)}`);
    }
  });
}
