/**
 * Chains that fast-check puts together: up to three intermediates, each certificate ordinary or odd in one way, the list
 * of the client reordered, thinned out or filled up. The seed decides what they are; keys and serial numbers, which no
 * verdict depends on, are new in every run.
 */
import fc from "fast-check";
import type { CertificateOptions } from "../../../fixtures/pki/certificate.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../../fixtures/pki/damage.ts";
import { LONG_AGO, TOMORROW, YESTERDAY } from "../../explain/authorities.ts";
import type { Chain, Kit, Make, Table } from "./case.ts";

type Options = Partial<CertificateOptions>;

/** What a certificate of any place in a chain may be like. */
const ODDITIES = {
  expired: { notBefore: LONG_AGO, notAfter: YESTERDAY },
  "not yet valid": { notBefore: TOMORROW },
  "CA:TRUE": { basicConstraints: { ca: true } },
  "CA:FALSE": { basicConstraints: { ca: false } },
  "path length 0": { basicConstraints: { ca: true, pathLength: 0 } },
  "path length 1": { basicConstraints: { ca: true, pathLength: 1 } },
  "no basic constraints": { basicConstraints: "none" },
  "for clients": { extendedKeyUsage: ["clientAuth"] },
  "for servers": { extendedKeyUsage: ["serverAuth"] },
  "for any use": { extendedKeyUsage: ["any"] },
  "no extended key usage": { extendedKeyUsage: [] },
  "signs certificates": { keyUsage: ["keyCertSign"] },
  "signs handshakes": { keyUsage: ["digitalSignature"] },
  "signs both": { keyUsage: ["digitalSignature", "keyCertSign"] },
  "agrees on keys": { keyUsage: ["keyAgreement"] },
  "no key usage": { keyUsage: [] },
  "no subject key identifier": { subjectKeyIdentifier: false },
  "no authority key identifier": { authorityKeyIdentifier: false },
  "SHA-1": { signatureHash: "sha1" },
  "P-384": { key: "ec-p384" },
  Ed25519: { key: "ed25519" },
  "version 1": { version: 1 },
  "names of example.com only": { nameConstraints: { permitted: ["dns:example.com"] } },
  "a name of example.org": { subjectAlternativeNames: ["dns:a.example.org"] },
  "a name of example.com": { subjectAlternativeNames: ["dns:a.example.com"] },
  "an unknown critical extension": { extensions: [{ oid: "2.999.7", critical: true, value: Buffer.from([5, 0]) }] },
  "the root's name": { subject: "CN=generated-root" },
} satisfies Record<string, Options>;

type Oddity = keyof typeof ODDITIES;

/** What is done to the list that the client sends, whose first certificate stays the leaf. */
const TREATMENTS = {
  "in order": (above) => above,
  reversed: (above) => above.toReversed(),
  "the first missing": (above) => above.slice(1),
  "the last missing": (above) => above.slice(0, -1),
  "the root behind": (above, { root }) => [...above, root],
  "the root before": (above, { root }) => [root, ...above],
  "strangers before and behind": (above, { kit }) => [kit.rogue, ...above, kit.other],
  "each twice": (above) => above.flatMap((certificate) => [certificate, certificate]),
  "a namesake of the root": (above, { namesake }) => [namesake, ...above],
  "the last altered": (above) => [...above.slice(0, -1), ...above.slice(-1).map(flipSignatureBit)],
} satisfies Record<string, Treatment>;

interface Surroundings {
  kit: Kit;
  root: IssuedCertificate;
  namesake: IssuedCertificate;
}
type Treatment = (above: IssuedCertificate[], around: Surroundings) => IssuedCertificate[];

interface Plan {
  root: Oddity | undefined;
  intermediates: (Oddity | undefined)[];
  leaf: Oddity | undefined;
  treatment: keyof typeof TREATMENTS;
  /** Beside the root */
  alsoUploaded: "nothing" | "a stranger" | "a namesake of the root";
}

const oddity = fc.option(fc.constantFrom(...(Object.keys(ODDITIES) as Oddity[])), { nil: undefined, freq: 2 });
const plan: fc.Arbitrary<Plan> = fc.record({
  root: fc.option(oddity, { nil: undefined, freq: 3 }).map((value) => value ?? undefined),
  intermediates: fc.array(oddity, { maxLength: 3 }),
  leaf: oddity,
  treatment: fc.oneof(
    fc.constant("in order" as const),
    fc.constantFrom(...(Object.keys(TREATMENTS) as (keyof typeof TREATMENTS)[])),
  ),
  alsoUploaded: fc.constantFrom("nothing", "a stranger", "a namesake of the root"),
});

const optionsOf = (name: Oddity | undefined): Options => (name === undefined ? {} : ODDITIES[name]);

async function carryOut(
  kit: Kit,
  { root: rootOddity, intermediates, leaf, treatment, alsoUploaded }: Plan,
): Promise<Chain> {
  const root = await createCertificateAuthority({ subject: "CN=generated-root", ...optionsOf(rootOddity) });
  const namesake = await createCertificateAuthority({ subject: root.subject });
  const above: CertificateAuthority[] = [];
  for (const [depth, name] of intermediates.entries()) {
    const issuer = above[0] ?? root;
    above.unshift(await issuer.issueIntermediate({ subject: `CN=between-${depth}`, ...optionsOf(name) }));
  }
  const client = await (above[0] ?? root).issue({ subject: "CN=client", ...optionsOf(leaf) });
  const treat: Treatment = TREATMENTS[treatment];
  const sent = treat(above, { kit, root, namesake });
  const beside = { nothing: {}, "a stranger": { other: kit.other }, "a namesake of the root": { namesake } };
  return {
    keyPem: client.keyPem,
    chainPem: [client, ...sent].map(({ certificatePem }) => certificatePem).join(""),
    roots: { ...beside[alsoUploaded], root },
  };
}

function describePlan({ root, intermediates, leaf, treatment, alsoUploaded }: Plan): string {
  const chain = [leaf, ...intermediates.toReversed(), root].map((name) => name ?? "-").join(" < ");
  return `${chain}; ${treatment}${alsoUploaded === "nothing" ? "" : `; ${alsoUploaded} uploaded`}`;
}

/** As many different chains as there are among `count`, named by what they consist of. */
export function generateChains(count: number, seed: number): Table {
  const plans = fc.sample(plan, { numRuns: count, seed });
  const make =
    (each: Plan): Make =>
    (kit) =>
      carryOut(kit, each);
  return Object.fromEntries(plans.map((each) => [describePlan(each), make(each)]));
}
