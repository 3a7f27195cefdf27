/** As tables show it; a dash for what was not measured. */
export function printNumber(value: number | undefined, digits = 0): string {
  if (value === undefined) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
