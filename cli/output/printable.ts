/** Text from elsewhere on a terminal: what could move the cursor, colour the line or turn its direction is replaced. */
const CONTROL_OR_FORMAT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function toPrintable(text: string): string {
  return text.replace(CONTROL_OR_FORMAT, "\uFFFD");
}
