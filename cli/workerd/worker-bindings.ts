/**
 * What a project's wrangler configuration binds, by what plain workerd can do with it: variables it has, certificates the
 * egress presents, everything else is a service of Cloudflare's or of Miniflare's and is not there.
 */

/** As `unstable_getMiniflareWorkerOptions` of wrangler gives them: one key a kind of binding */
export type WorkerOptions = Readonly<Record<string, unknown>>;

export interface WorkerBindings {
  /** Of `[vars]`: texts, or other JSON */
  variables: Readonly<Record<string, unknown>>;
  /** Names of `[[mtls_certificates]]` */
  mtlsCertificates: readonly string[];
  /** For people: `CACHE (kvNamespaces)` */
  unsupported: readonly string[];
}

/** What is no binding, or is used on its own */
const NOT_BINDINGS: ReadonlySet<string> = new Set([
  ...["rootPath", "compatibilityDate", "compatibilityFlags", "modulesRules", "zone", "access", "connectHandlers"],
  ...["bindings", "mtlsCertificates"],
]);

/** A kind that this version does not know is unsupported: the worker would find nothing under its name. */
export function sortBindings(options: WorkerOptions): WorkerBindings {
  const unsupported = Object.entries(options)
    .filter(([kind]) => !NOT_BINDINGS.has(kind))
    .flatMap(([kind, value]) => namesOf(value).map((name) => `${name} (${kind})`));
  return {
    variables: (options.bindings ?? {}) as Record<string, unknown>,
    mtlsCertificates: namesOf(options.mtlsCertificates),
    unsupported,
  };
}

/** Kinds name their bindings as keys, as a text, in a list, or as `binding` of the only one. */
function namesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(namesOf);
  if (typeof value !== "object" || value === null) return [];
  const { binding, name } = value as Record<string, unknown>;
  if (typeof binding === "string") return [binding];
  if (typeof name === "string") return [name];
  return Object.entries(value).flatMap(([key, inner]) => (isEmpty(inner) ? [] : [key]));
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
