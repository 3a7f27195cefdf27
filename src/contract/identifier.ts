/**
 * What certificates may be called: names that code refers to them by, so JavaScript identifiers. Uploads are held to it
 * by the control plane; what a project names is held to it by the build, since no upload could ever be meant by the rest.
 */

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]{0,63}$/;

/** For messages, after "allowed are". */
export const IDENTIFIER_ALLOWED = "1 to 64 letters, digits, _ and $, not beginning with a digit";

export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text);
}

/** Guides for other gateways show names with dashes: the identifier that comes nearest, if that is what is wrong. */
export function proposeIdentifier(text: string): string | undefined {
  const proposed = text.replace(/[-. ]/g, "_");
  return isIdentifier(proposed) ? proposed : undefined;
}
