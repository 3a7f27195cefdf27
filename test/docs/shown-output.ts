/** What a page shows against what came. */

/** Stands for anything, also for nothing and for several lines. */
const WILDCARD = "…";

/**
 * The whole output has to be as shown. Lines may be broken elsewhere, since JSON comes in one line and no page shows it so;
 * within a line, spaces are spaces.
 */
export function isAsShown(output: string, shown: string): boolean {
  return toPattern(shown).test(output.trim());
}

function toPattern(shown: string): RegExp {
  const parts = shown.trim().split(WILDCARD).map(escapePart);
  return new RegExp(`^${parts.join("[^]*?")}$`);
}

function escapePart(text: string): string {
  return text
    .split(/(\s+)/)
    .map((piece) => {
      if (/^\s+$/.test(piece)) return piece.includes("\n") ? "\\s*" : "\\s+";
      return piece.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
    })
    .join("");
}

/** A command may fail where the page shows that it does. */
export function showsFailure(shown: string): boolean {
  return /\berror\b|^curl: \(|^FAILED\b/im.test(shown);
}
