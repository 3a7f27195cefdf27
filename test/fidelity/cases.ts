/** The table: what is asked, what is due, and where Cloudflare cannot give it. */

import type { ClientRequest } from "./hosts/host.ts";
import { IDENTITY_NAMES, type IdentityName } from "./identities.ts";

export interface Case {
  name: string;
  path: string;
  method: ClientRequest["method"];
  headers: Readonly<Record<string, string>>;
  body?: string;
  identity: IdentityName;
  /** Of `request.cf`, beside the client's certificate */
  cf?: object;
  /** As outcome.ts summarizes it */
  expected: string;
  /** Where the answer on Cloudflare is another one, and has to be */
  onCloudflare?: { expected: string; why: string };
}

const REQUIRED = "401 client_certificate_required";
const REJECTED = "401 client_certificate_rejected";

/** In the order of {@link IDENTITY_NAMES}. Whoever is not here did not verify. */
const VERIFIED: readonly IdentityName[] = [
  ...([
    "p256",
    "p384",
    "rsa2048",
    "rsa-root",
    "ed25519",
    "other-ca",
    "chain",
    "no-usage",
    "oversized",
    "revoked",
  ] as const),
  ...(["odd-subject", "unicode-subject", "multi-valued-subject", "empty-subject", "repeated-names"] as const),
  ...(["san-dns", "san-wildcard-deep", "san-uri", "san-email", "san-ip", "san-with-comma"] as const),
];
const OF_ROOT = VERIFIED.filter((name) => !["rsa-root", "other-ca", "chain"].includes(name));
/** One of each verdict, and one of each anchor */
const FEW: readonly IdentityName[] = ["none", "p256", "chain", "other-ca", "expired", "rogue", "namesake"];
const NAMED: readonly IdentityName[] = [
  ...(["none", "p256", "rogue"] as const),
  ...(["san-dns", "san-wildcard-deep", "san-uri", "san-email", "san-ip", "san-with-comma"] as const),
];

const NO_ANCHORS = "Cloudflare does not say which CA certificate anchored the chain";
const REVOCATION = "only Cloudflare knows revoked certificates; behind the edge the CA is removed instead";
/** The leaf is not forwarded, and without it nothing is attached */
const WITHOUT_METADATA: readonly IdentityName[] = ["oversized"];

/** An enforcing policy: `accepted` of those who `ask` may pass. */
function enforce(policy: string, ask: readonly IdentityName[], accepted: readonly IdentityName[]): Case[] {
  return ask.map((identity) => {
    const isAccepted = accepted.includes(identity);
    const passed = WITHOUT_METADATA.includes(identity) ? "200 anonymous" : "200 verified";
    const refused = identity === "none" ? REQUIRED : REJECTED;
    const onCloudflare = identity === "revoked" ? { expected: REJECTED, why: REVOCATION } : undefined;
    return inbound(policy, identity, isAccepted ? passed : refused, onCloudflare);
  });
}

/** A pin: on Cloudflare nobody passes it, and whoever verified is told why. */
function enforcePin(policy: string, ask: readonly IdentityName[], accepted: readonly IdentityName[]): Case[] {
  return enforce(policy, ask, accepted).map((row) =>
    VERIFIED.includes(row.identity) ? { ...row, onCloudflare: { expected: REJECTED, why: NO_ANCHORS } } : row,
  );
}

/** @param matching would pass if the policy enforced */
function passThrough(policy: string, ask: readonly IdentityName[], matching: readonly IdentityName[]): Case[] {
  return ask.map((identity) => {
    const isAnonymous = identity === "none" || WITHOUT_METADATA.includes(identity);
    const verified = matching.includes(identity) ? "200 verified" : "200 unverified";
    const isRevoked = identity === "revoked" && matching.includes(identity);
    const onCloudflare = isRevoked ? { expected: "200 unverified", why: REVOCATION } : undefined;
    return inbound(policy, identity, isAnonymous ? "200 anonymous" : verified, onCloudflare);
  });
}

function inbound(policy: string, identity: IdentityName, expected: string, onCloudflare?: Case["onCloudflare"]): Case {
  const request = { path: `/in/${policy}?a=1&b=%20`, method: "GET", headers: { "x-mine": "1" } } as const;
  return { name: `${policy} · ${identity}`, ...request, identity, expected, ...(onCloudflare && { onCloudflare }) };
}

const INBOUND: Case[] = [
  ...enforce("issuer", IDENTITY_NAMES, OF_ROOT),
  ...passThrough("passthrough", IDENTITY_NAMES, VERIFIED),
  ...enforce("issuer-in-other-words", FEW, ["p256"]),
  ...enforce("issuer-in-other-order", FEW, []),
  ...enforce("issuer-of-variable", FEW, ["p256"]),
  ...enforce("issuers", FEW, ["chain", "other-ca"]),
  ...enforcePin("pinned", FEW, ["p256", "chain"]),
  ...enforcePin("pinned-with-issuer", ["none", "p256", "rogue"], ["p256"]),
  // A chain that another issuer is asked of fails there, and the pin is not looked at.
  ...enforce("pinned-with-issuer", ["chain", "other-ca"], []),
  ...passThrough(
    "passthrough-with-rules",
    ["none", "p256", "san-dns", "san-uri", "rogue", "expired"],
    [...(["san-dns", "san-uri"] as const)],
  ),
  ...enforce("fingerprint", ["none", "p256", "p384", "oversized", "expired", "rogue"], ["p256", "oversized"]),
  ...enforce(
    "subject",
    ["none", "p256", "unicode-subject", "odd-subject", "empty-subject", "repeated-names", "rogue"],
    ["p256", "unicode-subject"],
  ),
  ...enforce("san-dns", NAMED, ["san-dns"]),
  ...enforce("san-uri", NAMED, ["san-uri"]),
  ...enforce("san-email", NAMED, ["san-email"]),
  ...enforce("san-ip", NAMED, ["san-ip"]),
  ...enforce("san-dns", ["oversized"], []),
  ...enforce("any-rule", ["none", "p256", "p384", "san-dns", "san-uri", "rogue"], ["p256", "san-dns"]),
  ...["none", "p256", "rogue"].map((identity) => inbound("open", identity as IdentityName, "200 anonymous")),
];

const FORGED = {
  "client-cert": ":AAAA:",
  "Client-Cert-Chain": ":AAAA:",
  "sallyport-edge-assertion": "forged",
  "Sallyport-Request-Id": "forged-by-the-client",
};

const MESSAGES: Case[] = [
  { ...inbound("issuer", "none", REQUIRED), name: "forged headers · none", headers: FORGED },
  { ...inbound("issuer", "p256", "200 verified"), name: "forged headers · p256", headers: FORGED },
  { ...inbound("passthrough", "rogue", "200 unverified"), name: "forged headers · rogue", headers: FORGED },
  { ...inbound("issuer", "p256", "200 verified"), name: "POST · p256", method: "POST", body: "a body, ünïcode" },
  { ...inbound("issuer", "none", "401"), name: "HEAD · none", method: "HEAD" },
  { ...inbound("issuer", "p256", "200"), name: "HEAD · p256", method: "HEAD" },
  { ...inbound("nowhere", "p256", "404 not_found"), name: "no route · p256" },
  {
    ...inbound("issuer", "p256", "200 verified"),
    name: "geography · p256",
    cf: { country: "DE", asn: 64_496, city: "Berlin" },
    onCloudflare: { expected: "200 verified", why: "only Cloudflare knows where a client is" },
  },
];

const AS_GATEWAY = "200 as CN=gateway,O=Example,C=US";
const NO_REASON = "of a connection that failed, the runtime says only that it failed";
const NO_UPLOADS = "certificates are bindings of the worker there, and not uploads";

function outbound(route: string, expected: string, parts: Partial<Case> = {}): Case {
  const { path = `/out/${route}/hello?q=%C3%A9&q=2`, ...rest } = parts;
  return { name: `out ${route}`, path, method: "GET", headers: {}, identity: "none", expected, ...rest };
}

const unreachable = { expected: "522 origin_unreachable", why: NO_REASON };

const OUTBOUND: Case[] = [
  outbound("forward", AS_GATEWAY),
  outbound("forward", AS_GATEWAY, { name: "out forward POST", method: "POST", body: "b".repeat(100_000) }),
  outbound("forward", "200", { name: "out forward HEAD", method: "HEAD" }),
  outbound("forward", AS_GATEWAY, { name: "out forward · forged headers", headers: FORGED }),
  outbound("forward", AS_GATEWAY.replace("200", "404"), {
    name: "out 404 of the origin",
    path: "/out/forward/status/404",
  }),
  outbound("forward", AS_GATEWAY.replace("200", "503"), {
    name: "out 503 of the origin",
    path: "/out/forward/status/503",
  }),
  outbound("forward", AS_GATEWAY.replace("200", "307"), {
    name: "out redirect, handed on",
    path: "/out/forward/redirect",
  }),
  outbound("follow", AS_GATEWAY, { name: "out redirect, followed", path: "/out/follow/redirect" }),
  outbound("rewrite", AS_GATEWAY),
  outbound("no-search", AS_GATEWAY),
  outbound("variable", AS_GATEWAY),
  outbound("unset", "500 mtls_certificate_not_found"),
  outbound("function-zuplo", AS_GATEWAY),
  outbound("function-sallyport", AS_GATEWAY),
  outbound("function-contradiction", "500 handler_failed"),
  outbound("function-plain-http", "500 handler_failed"),
  ...(["none", "p256", "chain", "rogue", "expired"] as const).flatMap((identity) => [
    outbound("client-cert", AS_GATEWAY, { name: `out client-cert · ${identity}`, identity, headers: FORGED }),
    outbound("client-cert-and-chain", AS_GATEWAY, { name: `out client-cert-and-chain · ${identity}`, identity }),
  ]),
  outbound("missing", "500 mtls_certificate_not_found", {
    onCloudflare: { expected: "500 mtls_certificate_not_found", why: NO_UPLOADS },
  }),
  outbound("disabled", "500 mtls_certificate_disabled", {
    onCloudflare: { expected: "200 as CN=gateway-of-production", why: "bindings know no environment types" },
  }),
  outbound("refused", "522 origin_client_certificate_rejected", { onCloudflare: unreachable }),
  outbound("untrusted", "522 origin_certificate_untrusted", { onCloudflare: unreachable }),
  outbound("closed", "522 origin_unreachable", { onCloudflare: unreachable }),
];

export const CASES: readonly Case[] = [...INBOUND, ...MESSAGES, ...OUTBOUND];
