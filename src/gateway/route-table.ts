/**
 * Finds the route of a request: the first in document order that matches method and path. Paths that Hono's routers
 * express exactly go through them, all others are URLPattern candidates; order is kept across both.
 */
import type { Result } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import type { RouteDefinition } from "../contract/project.ts";

/** Percent-decoded parameters by name. Without a prototype. */
export type RouteParams = Record<string, string>;

export type RouteMatch<Route> =
  | { kind: "found"; route: Route; params: RouteParams }
  | { kind: "method_not_allowed"; allowed: string[] }
  | { kind: "not_found" };

export interface RouteTable<Route> {
  /** `pathname` as the URL parser gives it, still percent-encoded */
  match(method: string, pathname: string): RouteMatch<Route>;
}

interface Entry<Route> {
  index: number;
  method: string;
  route: Route;
  /** Names of the parameters in the order of the path; `open-api` only */
  names: string[];
}

interface Candidate<Route> extends Entry<Route> {
  pattern: URLPattern;
}

interface Hit<Route> {
  entry: Entry<Route>;
  params: RouteParams;
}

/**
 * `findPath` names the path and method of a route.
 *
 * @throws TypeError when a `url-pattern` path is not a URL pattern
 */
export function createRouteTable<Route>(
  routes: readonly Route[],
  findPath: (route: Route) => Pick<RouteDefinition, "path" | "pathMode" | "method">,
): RouteTable<Route> {
  const router = new SmartRouter<Entry<Route>>({ routers: [new RegExpRouter(), new TrieRouter()] });
  const candidates: Candidate<Route>[] = [];
  const methods = new Set<string>();
  routes.forEach((route, index) => {
    const { path, pathMode, method } = findPath(route);
    const compiled = pathMode === "open-api" ? compileOpenApiPath(path) : { pattern: path, names: [] };
    const entry = { index, method, route, names: compiled.names };
    methods.add(method);
    if ("honoPath" in compiled) router.add(method, compiled.honoPath, entry);
    else candidates.push({ ...entry, pattern: compilePattern(compiled.pattern) });
  });

  function find(method: string, path: string): Hit<Route> | undefined {
    const hit = readHonoResult(router.match(method, path));
    for (const candidate of candidates) {
      if (hit && candidate.index > hit.entry.index) break;
      const params = candidate.method === method ? matchCandidate(candidate, path) : undefined;
      if (params) return { entry: candidate, params };
    }
    return hit;
  }

  return {
    match(method, pathname) {
      const path = normalizePath(pathname);
      // A resource that answers GET answers HEAD (RFC 9110, section 9.3.2); an operation of its own goes first.
      const hit = find(method, path) ?? (method === "HEAD" ? find("GET", path) : undefined);
      if (hit) return { kind: "found", route: hit.entry.route, params: hit.params };
      const allowed = [...methods].filter((other) => find(other, path));
      if (allowed.length === 0) return { kind: "not_found" };
      return { kind: "method_not_allowed", allowed: withHead(allowed) };
    },
  };
}

function withHead(methods: string[]): string[] {
  return methods.includes("GET") && !methods.includes("HEAD") ? [...methods, "HEAD"] : methods;
}

/** Characters that mean themselves in Hono's routers and in URLs alike. */
const PLAIN_SEGMENT = /^[A-Za-z0-9._~%@!,;=&'-]*$/;
const PARAMETER = /\{([^{}/]+)\}/g;
const WHOLE_PARAMETER = /^\{([^{}/]+)\}$/;

type CompiledPath = { names: string[] } & ({ honoPath: string } | { pattern: string });

/**
 * `/a/{b}` → Hono's `/a/:p0`. Parameters are numbered, so that their names may hold anything and two routes may name
 * the same place differently.
 */
function compileOpenApiPath(path: string): CompiledPath {
  const names = [...path.matchAll(PARAMETER)].map((match) => match[1] ?? "");
  const segments = path.split("/");
  const isPlain = segments.every((segment) => WHOLE_PARAMETER.test(segment) || PLAIN_SEGMENT.test(segment));
  let next = 0;
  if (isPlain) {
    const parts = segments.map((part) => (WHOLE_PARAMETER.test(part) ? `:p${next++}` : normalizePath(part)));
    return { names, honoPath: parts.join("/") };
  }
  const literals = path.split(/\{[^{}/]+\}/).map(escapePattern);
  return { names, pattern: literals.reduce((left, right) => `${left}{:p${next++}}${right}`) };
}

/** Every character that is not a letter or digit means itself in the pattern. */
function escapePattern(literal: string): string {
  return literal.replace(/[^A-Za-z0-9/]/gu, "\\$&");
}

function compilePattern(pathname: string): URLPattern {
  return new URLPattern({ pathname });
}

function matchCandidate<Route>({ pattern, names }: Candidate<Route>, pathname: string): RouteParams | undefined {
  const groups = pattern.exec({ pathname })?.pathname.groups;
  if (!groups) return undefined;
  const params: RouteParams = Object.create(null);
  for (const [key, value] of Object.entries(groups)) {
    if (value !== undefined) params[parameterName(key, names)] = decodeParameter(value);
  }
  return params;
}

function readHonoResult<Route>([hits, stash]: Result<Entry<Route>>): Hit<Route> | undefined {
  const [entry, found] = hits[0] ?? [];
  if (!entry || !found) return undefined;
  const params: RouteParams = Object.create(null);
  for (const key in found) {
    const value = found[key];
    const text = typeof value === "number" ? stash?.[value] : value;
    if (text !== undefined) params[parameterName(key, entry.names)] = decodeParameter(text);
  }
  return { entry, params };
}

/** `p0` → the name that the OpenAPI path gives it. A `url-pattern` has its own names. */
function parameterName(key: string, names: readonly string[]): string {
  return names[Number(key.slice(1))] ?? key;
}

/** A value that is not valid percent-encoding is handed on as it came. */
function decodeParameter(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const UNRESERVED = /[A-Za-z0-9._~-]/;

/**
 * RFC 3986, section 6.2.2: `/%73ecret` and `/secret` are one path. Without this an origin that decodes would see
 * behind an open wildcard route what a protected route guards.
 */
function normalizePath(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/%[0-9A-Fa-f]{2}/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return UNRESERVED.test(character) ? character : encoded.toUpperCase();
  });
}
