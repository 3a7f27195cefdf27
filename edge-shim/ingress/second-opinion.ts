/**
 * OpenSSL's verdict on a chain against the one root that did sign it.
 *
 * Why: a CA is rotated by uploading a root with the same name and another key beside the old one. Where certificates
 * carry key identifiers OpenSSL tells the two apart. Where they do not (`openssl x509 -req` makes such leaves) it
 * takes the first root of that name, finds that the signature does not fit, and looks no further: whoever holds a
 * certificate of the other root would be shut out for as long as both are there.
 *
 * How: the chain is judged once more in a rehearsed handshake whose CA set is only the root that fits. That the client
 * holds the private key was proven in the real handshake.
 */
import type { AccountCaSet } from "../trust/trust-store.ts";
import type { PresentedCertificates } from "./handshake.ts";
import { rehearseHandshake } from "./rehearse-handshake.ts";
import type { ServerCertificate } from "./server-certificates.ts";
import type { Verdict } from "./verdict.ts";

export interface SecondOpinion {
  /** True only when OpenSSL verified the chain against the anchors of `verdict` alone */
  isVerified(
    presented: PresentedCertificates,
    caSet: AccountCaSet,
    verdict: Verdict & { status: "SUCCESS" },
  ): Promise<boolean>;
}

export function createSecondOpinion(serverCertificate: ServerCertificate): SecondOpinion {
  return {
    async isVerified({ leaf, intermediates }, caSet, { anchors }) {
      const chain = [leaf, ...intermediates].map((certificate) => certificate.raw);
      const onlyAnchors = { ...caSet, caCertificates: anchors };
      try {
        const rehearsal = await rehearseHandshake(chain, onlyAnchors, serverCertificate);
        return !rehearsal.isRefused && rehearsal.facts.authorized && isSame(rehearsal.facts.presented, leaf);
      } catch {
        // Without an opinion the first one stays.
        return false;
      }
    },
  };
}

/** OpenSSL says "no error" also where it judged nothing: the certificate must have arrived, and be the one. */
function isSame(arrived: PresentedCertificates | undefined, leaf: PresentedCertificates["leaf"]): boolean {
  return arrived?.leaf.fingerprint256 === leaf.fingerprint256;
}
