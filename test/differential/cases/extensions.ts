/** What certificates say that they are for: constraints, usages, extensions that occur twice, are broken or unknown. */
import { encodeTlv } from "../../../fixtures/pki/der.ts";
import { encodeExtension, forge, type Parts } from "../forge.ts";
import { behind, behindForged, forged, issue, leaf, type Make, send, type Table, underRoot } from "./case.ts";

/** 2.5.29.n */
const ce = (number: number) => encodeTlv(0x06, Uint8Array.of(0x55, 0x1d, number));
/** 1.3.6.1.5.5.7.1.n */
const pe = (number: number) => encodeTlv(0x06, Uint8Array.of(0x2b, 6, 1, 5, 5, 7, 1, number));
const NETSCAPE_CERT_TYPE = encodeTlv(0x06, Buffer.from("6086480186f8420101", "hex"));
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

const TRUE = hex("0101ff");
const BASIC_CONSTRAINTS = 19;
const KEY_USAGE = 15;
const EXTENDED_KEY_USAGE = 37;
const CLIENT_AUTH = hex("06082b06010505070302");
const CA_TRUE = hex("30030101ff");
const CA_FALSE = hex("3000");

function add(oid: Uint8Array, value: Uint8Array, critical?: Uint8Array): (parts: Parts) => void {
  return (parts) => void parts.extensions.push(encodeExtension(oid, value, critical));
}

/** In place of the extension of that number where there is one. */
function set(number: number, value: Uint8Array, critical?: Uint8Array): (parts: Parts) => void {
  const oid = ce(number);
  return (parts) => {
    parts.extensions = parts.extensions.filter((extension) => Buffer.from(extension).indexOf(oid) === -1);
    add(oid, value, critical)(parts);
  };
}

const CONSTRAINTS: Table = {
  "CA:FALSE written out": forged(set(BASIC_CONSTRAINTS, hex("3003010100"), TRUE)),
  "basic constraints that are not critical": behindForged(set(BASIC_CONSTRAINTS, CA_TRUE)),
  "CA:TRUE as 01 instead of FF": behindForged(set(BASIC_CONSTRAINTS, hex("3003010101"), TRUE)),
  "basic constraints that are broken in the leaf": forged(set(BASIC_CONSTRAINTS, hex("0500"), TRUE)),
  "basic constraints that are broken in an intermediate": behindForged(set(BASIC_CONSTRAINTS, hex("0500"), TRUE)),
  "a path length of -1": behindForged(set(BASIC_CONSTRAINTS, hex("30060101ff0201ff"), TRUE)),
  "a path length of 2^40": behindForged(set(BASIC_CONSTRAINTS, hex("300b0101ff0206010000000000"), TRUE)),
  "a path length without CA:TRUE in the leaf": forged(set(BASIC_CONSTRAINTS, hex("3003020100"), TRUE)),
  "a path length of 0 in the root, no intermediate": underRoot({ basicConstraints: { ca: true, pathLength: 0 } }),
  "an intermediate first no CA, then one": behindForged((parts) => {
    set(BASIC_CONSTRAINTS, CA_FALSE, TRUE)(parts);
    add(ce(BASIC_CONSTRAINTS), CA_TRUE, TRUE)(parts);
  }),
  "an intermediate first a CA, then none": behindForged(add(ce(BASIC_CONSTRAINTS), CA_FALSE, TRUE)),
  "a leaf with the same basic constraints twice": forged(add(ce(BASIC_CONSTRAINTS), CA_FALSE, TRUE)),
  "a root without basic constraints": underRoot({ basicConstraints: "none" }),
  "a root that says CA:FALSE": underRoot({ basicConstraints: { ca: false } }),
};

const USAGES: Table = {
  "an empty key usage": forged(set(KEY_USAGE, hex("030100"), TRUE)),
  "a key usage that is broken": forged(set(KEY_USAGE, hex("0500"), TRUE)),
  "key usage twice, the second for signing": forged((parts) => {
    set(KEY_USAGE, hex("03020204"), TRUE)(parts);
    add(ce(KEY_USAGE), hex("03020780"), TRUE)(parts);
  }),
  "a key usage of all bits": forged(set(KEY_USAGE, hex("030307ff80"), TRUE)),
  "a root with key usage digitalSignature and keyCertSign": underRoot({
    keyUsage: ["digitalSignature", "keyCertSign"],
  }),
  "a root without key usage": underRoot({ keyUsage: [] }),
  "an empty extended key usage": forged(set(EXTENDED_KEY_USAGE, hex("3000"))),
  "an extended key usage that is broken": forged(set(EXTENDED_KEY_USAGE, hex("0500"))),
  "clientAuth and an unknown usage, critical": forged(
    set(EXTENDED_KEY_USAGE, encodeTlv(0x30, CLIENT_AUTH, hex("0603883701")), TRUE),
  ),
  "an unknown usage alone": forged(set(EXTENDED_KEY_USAGE, encodeTlv(0x30, hex("0603883701")))),
  "extended key usage twice, first serverAuth, then clientAuth": forged((parts) => {
    set(EXTENDED_KEY_USAGE, hex("300a06082b06010505070301"))(parts);
    add(ce(EXTENDED_KEY_USAGE), encodeTlv(0x30, CLIENT_AUTH))(parts);
  }),
  "an intermediate for any usage": behind({ extendedKeyUsage: ["any"] }),
  "an intermediate for mail": behind({ extendedKeyUsage: ["emailProtection"] }),
  "a root for clients": underRoot({ extendedKeyUsage: ["clientAuth"] }),
  "a root for any usage": underRoot({ extendedKeyUsage: ["any"] }),
  "a root for mail": underRoot({ extendedKeyUsage: ["emailProtection"] }),
  "a Netscape certificate type of a server": forged(add(NETSCAPE_CERT_TYPE, hex("03020640"))),
  "a Netscape certificate type of a client": forged(add(NETSCAPE_CERT_TYPE, hex("03020780"))),
  "a proxy certificate": forged(add(pe(14), hex("300c300a06082b06010505071501"), TRUE), { basicConstraints: "none" }),
};

const DNS_NAME = encodeTlv(0x82, Buffer.from("example.com"));

/** Constraints that fixtures/pki has no words for, and a leaf with a name that they are about. */
const constrain =
  (value: Uint8Array): Make =>
  async (kit) => {
    const between = await kit.root.issueIntermediate({ subject: "CN=between" });
    const client = await issue(between, { subjectAlternativeNames: ["dns:a.example.com"] });
    return send(client, forge(between, kit.root.keys, add(ce(30), value, TRUE)));
  };
const permit = (...subtree: Uint8Array[]) => constrain(encodeTlv(0x30, encodeTlv(0xa0, encodeTlv(0x30, ...subtree))));

const NAMES: Table = {
  "an IP address inside the constraints": behind(
    { nameConstraints: { permitted: ["ip:10.0.0.0/8"] } },
    { subjectAlternativeNames: ["ip:10.1.2.3"] },
  ),
  "an IP address outside the constraints": behind(
    { nameConstraints: { permitted: ["ip:10.0.0.0/8"] } },
    { subjectAlternativeNames: ["ip:192.0.2.1"] },
  ),
  "an excluded URI": behind(
    { nameConstraints: { excluded: ["uri:example.com"] } },
    { subjectAlternativeNames: ["uri:https://example.com/me"] },
  ),
  "a SPIFFE id under a constraint on URIs": behind(
    { nameConstraints: { permitted: ["uri:example.com"] } },
    { subjectAlternativeNames: ["uri:spiffe://example.com/service"] },
  ),
  "a URI without a host under a constraint on URIs": behind(
    { nameConstraints: { permitted: ["uri:example.com"] } },
    { subjectAlternativeNames: ["uri:urn:uuid:0"] },
  ),
  "a subject inside the permitted ones": behind(
    { nameConstraints: { permitted: ["dirName:O=Good"] } },
    { subject: "CN=client,O=Good" },
  ),
  "a subject outside the permitted ones": behind(
    { nameConstraints: { permitted: ["dirName:O=Good"] } },
    { subject: "CN=client,O=Other" },
  ),
  "a subject that differs from the permitted one in case": behind(
    { nameConstraints: { permitted: ["dirName:O=Good"] } },
    { subject: "CN=client,O=GOOD" },
  ),
  "a common name that looks like a host outside the constraints": behind(
    { nameConstraints: { permitted: ["dns:example.com"] } },
    { subject: "CN=www.example.org" },
  ),
  "a common name outside the constraints beside a name inside": behind(
    { nameConstraints: { permitted: ["dns:example.com"] } },
    { subject: "CN=www.example.org", subjectAlternativeNames: ["dns:www.example.com"] },
  ),
  "a wildcard under an excluded name": behind(
    { nameConstraints: { excluded: ["dns:secret.example.com"] } },
    { subjectAlternativeNames: ["dns:*.example.com"] },
  ),
  "a mail address in the subject that is excluded": behind(
    { nameConstraints: { excluded: ["email:example.com"] } },
    { subject: "emailAddress=me@example.com,CN=client" },
  ),
  "name constraints in the leaf": leaf({ nameConstraints: { permitted: ["dns:example.com"] } }),
  "name constraints with a minimum": permit(DNS_NAME, hex("800101")),
  "name constraints with a maximum": permit(DNS_NAME, hex("810105")),
  "name constraints with a dot before the name": permit(encodeTlv(0x82, Buffer.from(".example.com"))),
  "name constraints on a kind that is not known": permit(hex("88032a0304")),
  "name constraints that are empty": constrain(hex("3000")),
  "name constraints that are broken": constrain(hex("0500")),
};

const CRITICAL: Table = {
  "policies, critical": forged(add(ce(32), hex("3005300306012a"), TRUE)),
  "policies that are broken": forged(add(ce(32), hex("0500"))),
  "policy constraints that need a policy": behindForged(add(ce(36), hex("3003800100"), TRUE)),
  "any policy inhibited": behindForged(add(ce(54), hex("020100"), TRUE)),
  "a critical subject key identifier": forged(set(14, hex("04020102"), TRUE)),
  "revocation lists that nobody fetches, critical": forged(add(ce(31), hex("3000"), TRUE)),
  "alternative names of the issuer, critical": forged(add(ce(18), hex("30038201 61"), TRUE)),
  "subject alternative names that are broken": forged(add(ce(17), hex("0500"))),
  "subject alternative names twice": forged(add(ce(17), hex("3003820162")), { subjectAlternativeNames: ["dns:a"] }),
  "an authority key identifier that is broken": forged(set(35, hex("0500"))),
  "an unknown extension that says critical FALSE": forged(add(hex("0603883707"), hex("0500"), hex("010100"))),
  "an unknown extension that says critical 01": forged(add(hex("0603883707"), hex("0500"), hex("010101"))),
  "an unknown extension of 20,000 bytes": forged(add(hex("0603883707"), Buffer.alloc(20_000))),
  "two hundred unknown extensions": forged((parts) => {
    for (let arc = 0; arc < 100; arc++) {
      add(encodeTlv(0x06, Uint8Array.of(0x88, 0x37, 2, arc)), hex("0500"))(parts);
      add(encodeTlv(0x06, Uint8Array.of(0x88, 0x37, 3, arc)), hex("0500"))(parts);
    }
  }),
};

export const EXTENSIONS: Table = { ...CONSTRAINTS, ...USAGES, ...NAMES, ...CRITICAL };
