/**
 * A user's project after `sallyport build` has read and validated it: what the generated entry module hands to the
 * gateway worker. `$import(…)` is resolved to module keys; `$env(…)` inside options is still in place, because
 * variables belong to the environment a worker runs in, not to the build.
 */

/** JSON as it stands in a project file. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** An export of a module: `module` is the key in the modules that the generated entry passes along. */
export interface ModuleReference {
  /** `"@zuplo/runtime"`, `"@sallyport/runtime"` or `"./modules/x"` */
  module: string;
  export: string;
  options?: JsonObject;
}

export interface RouteDefinition {
  path: string;
  pathMode: "open-api" | "url-pattern";
  /** Upper case; one definition for each operation of a path item */
  method: string;
  operationId?: string;
  /** `none`, `anything-goes`, or the name of one of {@link ProjectDefinition.corsPolicies} */
  corsPolicy: string;
  handler: ModuleReference;
  policies: { inbound: string[]; outbound: string[] };
  /** The operation as it stands in the file, for `context.route.raw()` */
  raw: JsonObject;
}

export interface PolicyDefinition {
  name: string;
  policyType: string;
  handler: ModuleReference;
}

export interface CorsPolicyDefinition {
  name: string;
  allowedOrigins: string[];
  allowedMethods: string[];
  allowedHeaders: string[];
  exposeHeaders: string[];
  /** Seconds */
  maxAge?: number;
  allowCredentials: boolean;
}

export interface ProjectDefinition {
  /** Changes with the project's content; appears in `trace.buildId` */
  buildId: string;
  /** In document order: the first match serves */
  routes: RouteDefinition[];
  policies: PolicyDefinition[];
  corsPolicies: CorsPolicyDefinition[];
}

/** Namespace objects of the project's own modules, by the key that {@link ModuleReference.module} uses. */
export type ProjectModules = Record<string, Record<string, unknown>>;
