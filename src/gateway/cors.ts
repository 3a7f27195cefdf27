/** Cross-origin requests: which origins may read a route's answers, and the answer to a preflight request. */
import type { CorsPolicyDefinition } from "../contract/project.ts";

export interface CorsPolicy {
  /** Headers for the answer to a request from `origin`. */
  responseHeaders(origin: string | null): [name: string, value: string][];
  /** Headers for the answer to a preflight request from `origin`. */
  preflightHeaders(origin: string, requestedHeaders: string | null): [name: string, value: string][];
}

/** `anything-goes`: any origin, without credentials. A browser's client certificate is a credential. */
export const ANYTHING_GOES: CorsPolicyDefinition = {
  name: "anything-goes",
  allowedOrigins: ["*"],
  allowedMethods: ["*"],
  allowedHeaders: ["*"],
  exposeHeaders: ["*"],
  allowCredentials: false,
};

/** Methods and header names are tokens (RFC 9110, section 5.6.2); `*` is one. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What is wrong with a policy beyond its shape; it stops the worker from serving. */
export function findCorsProblem(policy: CorsPolicyDefinition): string | undefined {
  const tokens = [...policy.allowedMethods, ...policy.allowedHeaders, ...policy.exposeHeaders];
  const odd = tokens.find((token) => !TOKEN.test(token));
  if (odd !== undefined) return `corsPolicies "${policy.name}": "${odd}" is neither a method nor a header name`;
  if (!policy.allowCredentials || !policy.allowedOrigins.includes("*")) return undefined;
  return `corsPolicies "${policy.name}": allowCredentials with allowedOrigins "*" would let every site act as the user, name the origins`;
}

/** `*` within an origin stands for one DNS label: `https://*.example.com`. */
export function compileCorsPolicy(policy: CorsPolicyDefinition): CorsPolicy {
  const allowsAnyOrigin = policy.allowedOrigins.includes("*");
  const patterns = policy.allowedOrigins.map(compileOrigin);
  const credentials: [string, string][] = policy.allowCredentials ? [["access-control-allow-credentials", "true"]] : [];
  const exposed: [string, string][] =
    policy.exposeHeaders.length > 0 ? [["access-control-expose-headers", policy.exposeHeaders.join(", ")]] : [];
  const maxAge: [string, string][] =
    policy.maxAge === undefined ? [] : [["access-control-max-age", String(policy.maxAge)]];

  function originHeaders(origin: string | null): [string, string][] | undefined {
    if (allowsAnyOrigin) return [["access-control-allow-origin", "*"]];
    if (origin === null || !patterns.some((pattern) => pattern.test(origin))) return undefined;
    return [["access-control-allow-origin", origin], ...credentials];
  }

  const vary: [string, string][] = allowsAnyOrigin ? [] : [["vary", "origin"]];

  return {
    responseHeaders(origin) {
      const allowed = originHeaders(origin);
      return allowed ? [...vary, ...allowed, ...exposed] : vary;
    },
    preflightHeaders(origin, requestedHeaders) {
      const allowed = originHeaders(origin);
      if (!allowed) return vary;
      const headers = policy.allowedHeaders.includes("*") ? requestedHeaders : policy.allowedHeaders.join(", ");
      return [
        ...vary,
        ...allowed,
        ["access-control-allow-methods", policy.allowedMethods.join(", ")],
        ...(headers ? [["access-control-allow-headers", headers] as [string, string]] : []),
        ...maxAge,
      ];
    },
  };
}

function compileOrigin(origin: string): RegExp {
  const source = origin.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${source.join("[a-z0-9_-]+")}$`, "i");
}
