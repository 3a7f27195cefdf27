/** What an origin should accept, it accepts: and it says whose certificate it verified, so that the right one arrived. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestEgress, type TestEgress } from "../egress/harness/egress.ts";
import { createTestPki, type TestPki, upload } from "../egress/harness/pki.ts";
import { type ClientPki, createClientPki, KEYS } from "./clients.ts";
import { PROGRAMS, subjectIn } from "./origins/all.ts";
import { type Origin, TLS_VERSIONS } from "./origins/origin.ts";

const CHAINS = [
  { intermediates: 0, words: "straight from the root" },
  { intermediates: 1, words: "with one intermediate" },
  { intermediates: 2, words: "with two intermediates" },
] as const;
const CASES = CHAINS.flatMap((chain) => KEYS.map((key) => ({ ...chain, key, name: `${key}_${chain.intermediates}` })));

let pki: TestPki;
let clients: ClientPki;
let egress: TestEgress;
beforeAll(async () => {
  pki = await createTestPki();
  clients = await createClientPki();
  const issued = CASES.map(async ({ name, key, intermediates }) => {
    const certificate = await clients.issuers[intermediates].issue({ subject: `CN=${name},O=Sallyport`, key });
    return [name, upload(certificate)] as const;
  });
  egress = await startTestEgress(pki.outbound(Object.fromEntries(await Promise.all(issued))));
});
afterAll(() => egress[Symbol.asyncDispose]());

describe.each(PROGRAMS)("$name", ({ start }) => {
  describe.each(TLS_VERSIONS)("TLS %s", (tls) => {
    let origin: Origin;
    beforeAll(async () => {
      origin = await start({ tls, server: pki.server, clientRoot: clients.root.certificatePem });
    });
    afterAll(() => origin[Symbol.asyncDispose]());

    it.each(CASES)("accepts a certificate with a key $key, $words", async ({ name }) => {
      const answer = await egress.ask(`${origin.url}/`, { certificate: name });
      expect(answer).toMatchObject({ status: 200, failure: undefined });
      expect(subjectIn(answer)?.split(/, ?/).sort()).toEqual([`CN=${name}`, "O=Sallyport"]);
      expect(answer.headers["x-protocol"] ?? answer.text).toContain(`TLSv${tls}`);
    });
  });
});
