/** A certificate is rotated while a hundred clients use it: nobody notices, and the origin never sees the old one again. */
import { beforeAll, describe, expect, it } from "vitest";
import type { IssuedCertificate } from "../../fixtures/pki/certificate-authority.ts";
import { type Question, startTestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki, upload } from "../egress/harness/pki.ts";
import { inParallel } from "./load.ts";
import { subjectIn } from "./origins/all.ts";
import { startNginx } from "./origins/nginx.ts";
import { TLS_VERSIONS, type TlsVersion } from "./origins/origin.ts";

const REQUESTS = 10_000;
const CONCURRENCY = 100;
const ROTATIONS = 3;

let pki: TestPki;
let versions: IssuedCertificate[];
beforeAll(async () => {
  pki = await createTestPki();
  const kinds = ["ec-p256", "rsa-2048", "ed25519", "ec-p384"] as const;
  versions = await Promise.all(
    kinds.map((key, version) => pki.clientCa.issue({ subject: `CN=version ${version}`, key })),
  );
});

function outbound(version: number) {
  const certificate = versions[version] as IssuedCertificate;
  return pki.outbound({ gateway: upload(certificate, { version: String(version) }) });
}

/** That nginx ends connections as well is another test's (bodies.test.ts). */
function start(tls: TlsVersion, http2: boolean) {
  const clientRoot = pki.clientCa.certificatePem;
  return startNginx({ tls, http2, server: pki.server, clientRoot, requestsPerConnection: 1_000_000 });
}

const CASES = TLS_VERSIONS.flatMap((tls) => [
  { tls, http2: false, name: `HTTP/1.1, TLS ${tls}` },
  { tls, http2: true, name: `HTTP/2, TLS ${tls}` },
]);

/** Every fifth has a body: what was begun cannot be sent again then. */
const QUESTIONS: Question[] = [{}, {}, { method: "POST", body: "x".repeat(2_000) }, {}, { method: "DELETE" }];

describe.each(CASES)("nginx, $name", ({ tls, http2 }) => {
  it("10,000 requests over 100 connections, three rotations: none fails, none comes with an older certificate", async () => {
    await using origin = await start(tls, http2);
    await using egress = await startTestEgress(outbound(0));
    let version = 0;
    let begun = 0;
    const outcomes = await inParallel(REQUESTS, CONCURRENCY, async (index) => {
      if (++begun % (REQUESTS / (ROTATIONS + 1)) === 0 && version < ROTATIONS) egress.replace(outbound(++version));
      const versionAtStart = version;
      const answer = await egress.ask(`${origin.url}/`, QUESTIONS[index % QUESTIONS.length]);
      const seen = Number(/^CN=version (\d)$/.exec(subjectIn(answer) ?? "")?.[1]);
      return { status: answer.status, failure: answer.failure, versionAtStart, seen };
    });
    expect(outcomes.filter(({ status, failure }) => status !== 200 || failure)).toEqual([]);
    expect(outcomes.filter(({ seen, versionAtStart }) => !(seen >= versionAtStart))).toEqual([]);
    expect(new Set(outcomes.map(({ seen }) => seen))).toEqual(new Set([0, 1, 2, 3]));
  });

  it("10,000 requests with two certificates in turn: each arrives with its own", async () => {
    await using origin = await start(tls, http2);
    const [one, other] = versions as [IssuedCertificate, IssuedCertificate];
    await using egress = await startTestEgress(pki.outbound({ one: upload(one), other: upload(other) }));
    const subjects = await inParallel(REQUESTS, CONCURRENCY, async (index) => {
      return subjectIn(await egress.ask(`${origin.url}/`, { certificate: index % 2 === 0 ? "one" : "other" }));
    });
    expect(subjects.filter((subject, index) => subject !== `CN=version ${index % 2}`)).toEqual([]);
  });
});
