/** Which of a schema's own checks (`refine`, `superRefine`) said something, so that none is left out of the reference. */
import type { z } from "zod";

/** Runs `parse` and returns how many checks there are, and how many of them never found anything. */
export function countSilentChecks(schema: z.ZodType, parse: () => void): { all: number; silent: number } {
  const checks = [...collectChecks(schema, new Set())];
  const spoke = new Set<z.core.$ZodCheck>();
  const originals = checks.map((check) => watch(check, () => spoke.add(check)));
  try {
    parse();
  } finally {
    for (const restore of originals) restore();
  }
  return { all: checks.length, silent: checks.length - spoke.size };
}

function watch(check: z.core.$ZodCheck, onIssue: () => void): () => void {
  const original = check._zod.check;
  check._zod.check = (payload) => {
    const before = payload.issues.length;
    const result = original(payload);
    if (payload.issues.length > before) onIssue();
    return result;
  };
  return () => {
    check._zod.check = original;
  };
}

function collectChecks(schema: z.core.$ZodType, seen: Set<z.core.$ZodType>): Set<z.core.$ZodCheck> {
  if (seen.has(schema)) return new Set();
  seen.add(schema);
  const { checks = [] } = schema._zod.def;
  const own = checks.filter((check) => check._zod.def.check === "custom");
  const inner = childrenOf(schema._zod.def as unknown as Record<string, unknown>);
  return new Set([...own, ...inner.flatMap((child) => [...collectChecks(child, seen)])]);
}

/** The schemas that a definition is made of, wherever they stand in it. */
function childrenOf(value: unknown): z.core.$ZodType[] {
  if (typeof value !== "object" || value === null) return [];
  if ("_zod" in value) return "~standard" in value ? [value as z.core.$ZodType] : [];
  return Object.values(value).flatMap(childrenOf);
}
