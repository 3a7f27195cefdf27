/** Whose server certificates the egress accepts, as real servers send them: no request goes out before that is settled. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, type IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki } from "../egress/harness/pki.ts";
import { PROGRAMS, subjectIn } from "./origins/all.ts";
import { TLS_VERSIONS } from "./origins/origin.ts";

const HOUR_MS = 3_600_000;

let pki: TestPki;
let egress: TestEgress;
beforeAll(async () => {
  pki = await createTestPki();
  egress = await startTestEgress(pki.outbound());
});
afterAll(() => egress[Symbol.asyncDispose]());

const REFUSED: { what: string; reason: RegExp; issue: () => Promise<IssuedCertificate> }[] = [
  {
    what: "of a CA that the project did not name",
    reason: /comes without the intermediates up to a root that is trusted here/,
    issue: async () => (await createCertificateAuthority({ subject: "CN=unknown" })).issueServer(),
  },
  {
    what: "for another name",
    reason: /is for other host names: .*localhost.*elsewhere\.example/,
    issue: () => pki.originCa.issueServer({ hostnames: ["elsewhere.example"], ips: [] }),
  },
  {
    what: "that has expired",
    reason: /has expired/,
    issue: () => pki.originCa.issueServer({ notAfter: new Date(Date.now() - HOUR_MS) }),
  },
];

describe.each(PROGRAMS)("$name", ({ start }) => {
  describe.each(TLS_VERSIONS)("TLS %s", (tls) => {
    it.each(REFUSED)("a server certificate $what is refused", async ({ reason, issue }) => {
      await using origin = await start({ tls, server: await issue(), clientRoot: pki.clientCa.certificatePem });
      const { status, failure } = await egress.ask(`${origin.url}/`);
      expect([status, failure?.code]).toEqual([522, "origin_certificate_untrusted"]);
      expect(failure?.reason).toMatch(reason);
    });

    it("a server certificate that comes with its intermediate is accepted", async () => {
      const intermediate = await pki.originCa.issueIntermediate({ subject: "CN=origin intermediate", key: "ec-p384" });
      const server = await intermediate.issueServer();
      await using origin = await start({ tls, server, clientRoot: pki.clientCa.certificatePem });
      const answer = await egress.ask(`${origin.url}/`);
      expect(answer.failure).toBeUndefined();
      expect(subjectIn(answer)).toBe("CN=gateway");
    });
  });
});
