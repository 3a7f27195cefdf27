/** The ALB stand-in as an origin: it says whose certificate it verified. */
import { type Alb, type AlbOptions, startAlb } from "../../../fixtures/alb/alb.ts";
import type { TestPki } from "./pki.ts";

export interface TestAlb extends Alb, AsyncDisposable {}

export async function startTestAlb(pki: TestPki, options: Partial<AlbOptions> = {}): Promise<TestAlb> {
  const { server, clientCa } = pki;
  const base = {
    mode: "verify",
    trustStore: clientCa.certificatePem,
    certificate: server.chainPem,
    key: server.keyPem,
  };
  const alb = await startAlb({ ...base, ...options } as AlbOptions);
  return { ...alb, [Symbol.asyncDispose]: alb.close };
}

/** RFC 2253, from the answer of the stand-in's echo target. */
export function subjectIn(text: string): string {
  const { clientCertificate } = JSON.parse(text) as { clientCertificate: { subject: string } | null };
  return clientCertificate?.subject ?? "";
}
