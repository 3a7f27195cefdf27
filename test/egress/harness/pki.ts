/** Who takes part: a CA that origins' certificates come from, another for ours, and one certificate of each. */
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../../fixtures/pki/certificate-authority.ts";
import type { Outbound, UploadedCertificate } from "./egress.ts";

export interface TestPki {
  readonly originCa: CertificateAuthority;
  readonly clientCa: CertificateAuthority;
  /** For `localhost` and 127.0.0.1 */
  readonly server: IssuedCertificate;
  /** `CN=gateway` */
  readonly gateway: IssuedCertificate;
  /** What the project has: `gateway` unless others are named, and the origins' CA */
  outbound(certificates?: Record<string, UploadedCertificate>): Outbound;
}

export async function createTestPki(): Promise<TestPki> {
  const originCa = await createCertificateAuthority({ subject: "CN=origin-ca" });
  const clientCa = await createCertificateAuthority({ subject: "CN=client-ca" });
  const server = await originCa.issueServer();
  const gateway = await clientCa.issue({ subject: "CN=gateway" });
  return {
    originCa,
    clientCa,
    server,
    gateway,
    outbound: (certificates = { gateway: upload(gateway) }) => {
      return { certificates, originCas: [originCa.certificatePem] };
    },
  };
}

/** An issued certificate as it was uploaded. */
export function upload(
  { chainPem, keyPem }: Pick<IssuedCertificate, "chainPem" | "keyPem">,
  more: Partial<UploadedCertificate> = {},
): UploadedCertificate {
  return { chainPem, keyPem, ...more };
}
