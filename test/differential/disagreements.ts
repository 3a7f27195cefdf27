/**
 * Chains on which the judges disagree, who says what, and why what we say is right for us. Whatever disagrees and is not
 * here fails a test, and so does what is here and no longer disagrees.
 */
import type { Judgements } from "./agreement.ts";

export interface Disagreement {
  said: Required<Judgements>;
  why: string;
}

const UNREADABLE = "FAILED:client certificate could not be read";
const SIGNATURE = "FAILED:certificate signature failure";
const EXPIRED = "FAILED:certificate has expired";
const BAD_END = "FAILED:format error in certificate's notAfter field";

function refusedByUs(why: string): Disagreement {
  return { said: { edge: UNREADABLE, openssl: "SUCCESS", explain: UNREADABLE, nginx: "SUCCESS" }, why };
}

/** The reasons are all true. */
function othersFirst(said: Required<Judgements>): Disagreement {
  return {
    said,
    why:
      "several things are wrong: `openssl verify` stops at one of them, TLS servers let OpenSSL go on and give the last; " +
      "explain names each in a line of its own",
  };
}

const NAMESAKE: Disagreement = {
  said: { edge: "SUCCESS", openssl: SIGNATURE, explain: "SUCCESS", nginx: SIGNATURE },
  why:
    "roots of one name without key identifiers: OpenSSL takes the first and stops at its signature. Who rotates a CA has " +
    "both uploaded, and the chain does verify against one of them: second-opinion.ts asks OpenSSL again with that one alone",
};

const unpresented = (key: string): Disagreement => ({
  said: {
    edge: "UNPRESENTED",
    openssl: "SUCCESS",
    explain: `FAILED:the TLS handshake ends: no client signs it with a key of ${key}`,
    nginx: "UNPRESENTED",
  },
  why: "the chain is right and no TLS client can use the key: explain speaks of clients, `openssl verify` of chains",
});

export const DISAGREEMENTS: Readonly<Record<string, Disagreement>> = {
  "explain: 33 strangers": {
    said: {
      edge: "FAILED:certificate chain too long",
      openssl: "SUCCESS",
      explain: "FAILED:certificate chain too long",
      nginx: "SUCCESS",
    },
    why: "the edge tries signatures itself to name the anchors, so a client may not send any number of certificates",
  },
  "explain: an extension that occurs twice": refusedByUs(
    "RFC 5280, section 4.2, forbids it: readers that take the first would disagree with those that take the last",
  ),
  "encodings: version 4": refusedByUs("there is no such version, so nobody knows what its fields mean"),
  "encodings: the end of time": refusedByUs(
    "a notBefore in the year 0: no CA means that, and dates lose their way below 100",
  ),
  "encodings: an empty RDN": refusedByUs(
    "X.501 has no RDN without attributes, and two names that differ in one would print alike",
  ),
  "encodings: a name in pieces": refusedByUs(
    "a constructed string is BER: the text in it would be hidden from who reads the name",
  ),
  "encodings: a subject whose length is one byte too long": refusedByUs(
    "not DER: the bytes of a name would no longer say whether two names are the same",
  ),
  "encodings: a validity without end": refusedByUs("not DER: certificates are read by a strict reader (x509/der.ts)"),
  "encodings: two bytes after the certificate": {
    said: { edge: "UNPRESENTED", openssl: "SUCCESS", explain: "UNREADABLE", nginx: "UNPRESENTED" },
    why: "no TLS client loads such a file, `openssl verify` overlooks the bytes",
  },
  "explain: a leaf of the second root of a name (rotation)": NAMESAKE,
  "explain: a leaf of the second root of a name, without key identifiers (rotation)": NAMESAKE,
  "paths: twenty roots of one name without identifiers": NAMESAKE,
  "keys: a leaf key on secp256k1": unpresented("EC secp256k1"),
  "keys: a leaf key on P-224": unpresented("EC 1.3.132.0.33"),
  "keys: a leaf key of X25519, which signs nothing": unpresented("X25519"),
  "explain: a leaf whose time ends before it begins": othersFirst({
    edge: EXPIRED,
    openssl: "FAILED:certificate is not yet valid",
    explain: EXPIRED,
    nginx: EXPIRED,
  }),
  "extensions: a proxy certificate": othersFirst({
    edge: "FAILED:proxy subject name violation",
    openssl: "FAILED:proxy certificates not allowed, please set the appropriate flag",
    explain: "FAILED:proxy subject name violation",
    nginx: "FAILED:proxy subject name violation",
  }),
  "generated: no authority key identifier < -; the last altered; a namesake of the root uploaded": NAMESAKE,
  "generated: - < - < - < no authority key identifier < -; in order; a namesake of the root uploaded": NAMESAKE,
  "generated: - < - < SHA-1 < version 1; the last altered; a namesake of the root uploaded": othersFirst({
    edge: SIGNATURE,
    openssl: "FAILED:CA signature digest algorithm too weak",
    explain: SIGNATURE,
    nginx: SIGNATURE,
  }),
  "generated: signs both < expired < -; the last altered": othersFirst({
    edge: EXPIRED,
    openssl: SIGNATURE,
    explain: EXPIRED,
    nginx: EXPIRED,
  }),
  "mutant: intermediate, after it was signed: byte 2 put at 19.4608 %": othersFirst({
    edge: BAD_END,
    openssl: SIGNATURE,
    explain: BAD_END,
    nginx: BAD_END,
  }),
};
