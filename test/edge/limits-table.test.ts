/** The table of limits in SECURITY.md says what is true. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../edge-shim/ingress/limits.ts";

const TEXT = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");

/** `| `name`, `other` | 1, 2 | …` → name 1, other 2 */
function readRows(): [name: string, value: number][] {
  const rows = TEXT.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| ([\d, ]+) \|/gm);
  return [...rows].flatMap(([, names = "", values = ""]) => {
    const numbers = values.split(", ").map(Number);
    return names.split(", ").map((name, index): [string, number] => [name.replaceAll("`", ""), numbers[index] ?? NaN]);
  });
}

it("every limit stands in SECURITY.md with its default", () => {
  expect(Object.fromEntries(readRows())).toEqual(DEFAULT_LIMITS);
});
