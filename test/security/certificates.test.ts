/**
 * Every kind of certificate and chain in a real handshake: verdict and reason as the handler sees them, and whether an
 * enforcing route lets them in. Envoy CVE-2022-21656, -21657, CVE-2025-66220; Node CVE-2021-44531 to -44533. What
 * certificates say is in certificate-contents.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type AskOptions, ask, type Identity } from "../edge/harness/client.ts";
import { ACCEPTED, REJECTED } from "./harness/chains.ts";
import { type Stack, startStack } from "./harness/stack.ts";

/** A test client may hold what the library would not use by itself: the edge has to judge it, not the client. */
const LENIENT = "DEFAULT:@SECLEVEL=0";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** What a route that lets everybody in knows, and whether one that enforces lets in. */
async function judge(options: AskOptions) {
  const { user, ...verdict } = JSON.parse((await ask(stack, { ...options, path: "/v1/optional" })).body);
  // Routes pin issuers; these chains have several.
  const enforced = await Promise.all(
    ["/v1/example", "/v1/chain"].map(async (path) => (await ask(stack, { ...options, path })).status),
  );
  return {
    status: verdict.clientMtlsVerificationStatus,
    reason: verdict.clientMtlsVerificationReason,
    verified: user?.data.mtlsAuth?.verified,
    sub: user?.sub,
    enforced,
  };
}

const identities = new Map<string, Promise<Identity>>();

/** Made once for both versions of TLS: RSA keys take their time. */
function makeOnce(title: string, make: (root: Stack["acmeCa"]) => Promise<Identity>): Promise<Identity> {
  const identity = identities.get(title) ?? make(stack.acmeCa);
  identities.set(title, identity);
  return identity;
}

describe.each(["TLSv1.2", "TLSv1.3"] as const)("presents under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version, ciphers: LENIENT };

  it("nothing: NONE, and 401", async () => {
    expect(await judge({ tls })).toEqual({
      status: "NONE",
      reason: "",
      verified: undefined,
      sub: undefined,
      enforced: [401, 401],
    });
  });

  it.each(Object.entries(ACCEPTED))("%s: SUCCESS", async (title, make) => {
    const { enforced, ...seen } = await judge({ identity: await makeOnce(title, make), tls });
    expect(seen).toEqual({ status: "SUCCESS", reason: "", verified: true, sub: "CN=client" });
    // The leaf's own issuer is the pinned one where no intermediate is between.
    const isDirect = !/behind|depth|order/.test(title);
    expect(enforced).toEqual([isDirect ? 200 : 401, 401]);
  });

  it.each(Object.entries(REJECTED))("%s: FAILED, and 401", async (title, [reason, make]) => {
    expect(await judge({ identity: await makeOnce(title, make), tls })).toEqual({
      status: "FAILED",
      reason,
      verified: false,
      sub: undefined,
      enforced: [401, 401],
    });
    expect((await judge({ identity: stack.client, tls })).enforced, "the control").toEqual([200, 401]);
  });
});

describe("presents a chain that leads to the issuer that a route pins", () => {
  it("an intermediate of the pinned name under the uploaded CA: let in", async () => {
    const intermediate = await stack.acmeCa.issueIntermediate({ subject: "CN=example-intermediate,O=Example,C=US" });
    expect((await judge({ identity: await intermediate.issue({ subject: "CN=client" }) })).enforced).toEqual([
      401, 200,
    ]);
  });

  it("a CA of the pinned name that nobody uploaded: 401", async () => {
    const rogue = await createCertificateAuthority({ subject: "CN=example-intermediate,O=Example,C=US" });
    const seen = await judge({ identity: await rogue.issue({ subject: "CN=client" }) });
    expect(seen).toMatchObject({ status: "FAILED", enforced: [401, 401] });
  });

  it.each([
    ["the whole name in one attribute", [{ type: "CN", value: "example-ca, O=Example, C=US" }]],
    ["a NUL behind the name (Node CVE-2021-44533)", [{ type: "CN", value: "example-ca\0" }, O(), C()]],
    ["one more attribute of the type", [{ type: "CN", value: "example-ca" }, { type: "CN", value: "x" }, O(), C()]],
    ["its attributes in one multi-valued RDN", [[{ type: "CN", value: "example-ca" }, O(), C()]]],
    ["its attributes in another order", [C(), O(), { type: "CN", value: "example-ca" }]],
    ["another spelling of its characters", [{ type: "CN", value: "ｅxample-ca" }, O(), C()]],
  ])("a CA that was uploaded, and whose name only looks like it, %s: verified, and 401", async (_, subject) => {
    const lookalike = await createCertificateAuthority({ subject });
    const { acme, ...others } = stack.accounts;
    const caCertificates = { ...acme?.caCertificates, lookalike };
    stack.trust.replace({ ...others, acme: { ...acme, caCertificates } });
    try {
      const seen = await judge({ identity: await lookalike.issue({ subject: "CN=client" }) });
      expect(seen).toMatchObject({ status: "SUCCESS", verified: true, enforced: [401, 401] });
      expect((await judge({ identity: stack.client })).enforced, "the control").toEqual([200, 401]);
    } finally {
      stack.trust.replace(stack.accounts);
    }
  });

  function O() {
    return { type: "O", value: "Example" };
  }
  function C() {
    return { type: "C", value: "US" };
  }
});
