/** Trust bundles, as files hold them, with one thing wrong. */
import type { AccountTrust, TrustBundle } from "../../../src/contract/trust-bundle.ts";

/** Of a bundle with two accounts, each with a domain and a CA certificate, which it may change */
export type Damage = (bundle: TrustBundle) => string;

type FirstAccount = AccountTrust & { caCertificates: [AccountTrust["caCertificates"][number]] };

/** @param change told the first account, and the second */
function spoil(change: (first: FirstAccount, second: AccountTrust, bundle: TrustBundle) => void): Damage {
  return (bundle) => {
    const [first, second] = bundle.accounts as [FirstAccount, AccountTrust];
    change(first, second, bundle);
    return JSON.stringify(bundle);
  };
}

/** @param change the PEM of the first account's CA certificate → what is in its place */
const spoilCertificate = (change: (pem: string) => string) =>
  spoil(({ caCertificates: [ca] }) => {
    ca.certificate = change(ca.certificate);
  });

export const DAMAGED: readonly [title: string, damage: Damage][] = [
  ["empty", () => ""],
  ["garbled", (bundle) => JSON.stringify(bundle).replaceAll("e", "\u0000")],
  ["cut off in the middle", (bundle) => JSON.stringify(bundle).slice(0, 900)],
  ["cut off before its last byte", (bundle) => JSON.stringify(bundle).slice(0, -1)],
  ["followed by another", (bundle) => JSON.stringify(bundle).repeat(2)],
  ["an empty object", () => "{}"],
  ["null", () => "null"],
  ["without its accounts", spoil((_first, _second, bundle) => Reflect.deleteProperty(bundle, "accounts"))],
  ["of a later format", spoil((_first, _second, bundle) => Object.assign(bundle, { format: 2 }))],
  ["with an account without CA set", spoil((first) => Reflect.deleteProperty(first, "caCertificates"))],
  ["with an empty CA certificate", spoilCertificate(() => "")],
  ["with a CA certificate that is none", spoilCertificate(() => "no certificate")],
  ["with half a CA certificate", spoilCertificate((pem) => pem.slice(0, 300))],
  ["with two CA certificates in the place of one", spoilCertificate((pem) => pem + pem)],
  ["with one account twice", spoil((first, _second, { accounts }) => void accounts.push(first))],
  ["with a domain in two accounts", spoil((first, second) => void second.domains.push(...first.domains))],
];
