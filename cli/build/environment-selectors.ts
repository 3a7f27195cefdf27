/** Where `$env(…)` may stand: in the values of a handler's options, and nowhere else in what makes a route or policy. */
import { hasEnvSelector, hasMalformedEnvSelector } from "../../src/contract/project-files/selectors.ts";
import { below, type JsonPath, type Place, report } from "./problem.ts";

const FORM = "allowed: $env(NAME) with letters, digits and underscores";
const MISPLACED = "is out of place, $env(…) is allowed in the values of options only";

/** Reports every `$env(…)` that is misplaced or malformed anywhere below `place`. */
export function reportMisplacedSelectors(value: unknown, place: Place): void {
  if (typeof value === "string") reportString(value, place);
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const childPlace = below(place, Array.isArray(value) ? Number(key) : key);
    if (hasEnvSelector(key)) report(childPlace, `"${key}" ${MISPLACED}`);
    reportMisplacedSelectors(child, childPlace);
  }
}

function reportString(text: string, place: Place): void {
  if (!hasEnvSelector(text)) return;
  if (!isInOptions(place.path)) report(place, `"${text}" ${MISPLACED}`);
  else if (hasMalformedEnvSelector(text)) report(place, `"${text}" has a malformed selector, ${FORM}`);
}

function isInOptions(path: JsonPath): boolean {
  return path.some((key, index) => key === "options" && path[index - 1] === "handler");
}
