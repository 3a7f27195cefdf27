/** An edge in front of the running gateway worker, with two accounts and what their clients hold. */
import { inject } from "vitest";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import { HOST, startTestEdge, type TestEdge, type TestEdgeOptions } from "../../edge/harness/edge.ts";
import type { Accounts } from "../../edge/harness/trust.ts";
import { RECORDED_PATH, type RecordedRequest } from "./recording-worker.ts";

/** Another domain of the account of HOST: the same CA set, another name */
export const SIBLING_HOST = "a2.test";
/** A domain of the other account, with other CA certificates */
export const OTHER_HOST = "b.test";

/** Of the CA certificate that the example project's routes pin */
const PINNED_ISSUER = "CN=example-ca,O=Example,C=US";

export interface Stack extends TestEdge {
  /** The CA of account acme, which owns HOST and SIBLING_HOST */
  readonly acmeCa: CertificateAuthority;
  /** The CA of account globex, which owns OTHER_HOST */
  readonly globexCa: CertificateAuthority;
  /** A client of acme, let in by every route */
  readonly client: IssuedCertificate;
  /** A client of globex */
  readonly otherClient: IssuedCertificate;
  readonly accounts: Accounts;
  /** Requests that the worker saw with `mark` in their URL or Host, in order. */
  recorded(mark: string): Promise<RecordedRequest[]>;
}

export async function startStack(options: TestEdgeOptions = {}): Promise<Stack> {
  const { url, signingKey } = inject("gateway");
  const acmeCa = await createCertificateAuthority({ subject: PINNED_ISSUER });
  const globexCa = await createCertificateAuthority({ subject: "CN=globex-ca,O=Globex" });
  const accounts: Accounts = {
    acme: { domains: [HOST, SIBLING_HOST], caCertificates: { acme_ca: acmeCa } },
    globex: { domains: [OTHER_HOST], caCertificates: { globex_ca: globexCa } },
  };
  const edge = await startTestEdge({ clock: Date.now, upstream: { url }, signingKey, accounts, ...options });
  return {
    ...edge,
    acmeCa,
    globexCa,
    accounts,
    client: await acmeCa.issue({ subject: "CN=client,O=Example" }),
    otherClient: await globexCa.issue({ subject: "CN=client,O=Globex" }),
    recorded: (mark) => fetchRecorded(url, mark),
  };
}

export async function fetchRecorded(workerUrl: string, mark: string): Promise<RecordedRequest[]> {
  const response = await fetch(`${workerUrl}${RECORDED_PATH}${mark}`);
  return (await response.json()) as RecordedRequest[];
}
