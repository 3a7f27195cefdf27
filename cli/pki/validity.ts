/** From when to when a new certificate is valid. */

const HOUR_MILLISECONDS = 60 * 60 * 1000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

/**
 * From an hour ago, so that a peer whose clock is a little behind accepts it, to `days` from now, and never longer than
 * its issuer.
 */
export function createValidity(now: Date, days: number, issuerNotAfter?: Date): { notBefore: Date; notAfter: Date } {
  const wanted = now.getTime() + days * DAY_MILLISECONDS;
  return {
    notBefore: new Date(now.getTime() - HOUR_MILLISECONDS),
    notAfter: new Date(Math.min(wanted, issuerNotAfter?.getTime() ?? wanted)),
  };
}
