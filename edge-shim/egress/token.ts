/**
 * What proves to the egress that a caller is the worker of a project: a MAC over the project's name under a secret of
 * this edge. A token opens one project, so a worker cannot use another one's certificates, and the edge keeps no list.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Keeps these MACs apart from anything else that may be made with the secret. */
const PURPOSE = "sallyport egress token v1";
export const EGRESS_SECRET_MIN_BYTES = 32;

export interface EgressTokens {
  /** The token of `project`, given as `account/project` */
  issue(project: string): string;
  /** Takes the same time whatever is wrong with `token` */
  isValid(token: string, project: string): boolean;
}

/** @throws TypeError for a secret that could be guessed */
export function createEgressTokens(secret: Uint8Array): EgressTokens {
  if (secret.length < EGRESS_SECRET_MIN_BYTES) {
    throw new TypeError(`the egress secret has ${secret.length} bytes, ${EGRESS_SECRET_MIN_BYTES} are needed`);
  }
  const issue = (project: string) => createHmac("sha256", secret).update(`${PURPOSE}\n${project}`).digest("base64url");
  // Of the project's tokens, of which one worker uses one: the names come from callers without a token, too
  const known = new Map<string, Buffer>();

  function expected(project: string): Buffer {
    return known.get(project) ?? Buffer.from(issue(project));
  }

  return {
    issue,
    isValid(token, project) {
      const wanted = expected(project);
      // As text: base64 has several spellings of the same bytes.
      const given = Buffer.from(token);
      const isValid = given.length === wanted.length && timingSafeEqual(given, wanted);
      if (isValid && known.size < KNOWN_MAX) known.set(project, wanted);
      return isValid;
    },
  };
}

/** Only valid pairs are remembered, so strangers cannot fill it. */
const KNOWN_MAX = 10_000;
