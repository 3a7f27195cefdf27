/** Certificates of a benchmark: one CA for both sides, a client of it, and a stranger whom nobody is to believe. */
import { createCertificateAuthority } from "../../../fixtures/pki/certificate-authority.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import { CLIENT_CA_SUBJECT } from "../../processes/generated-project.ts";
import type { TlsParty } from "../../processes/tls-files.ts";

export const HOSTNAME = "localhost";
export const [ACCOUNT, PROJECT] = ["bench", "shop"];

export interface KeyPair {
  cert: string;
  key: string;
}

export interface ClientSide {
  /** PEM of the CA certificate */
  ca: string;
  client: KeyPair;
  /** Of another CA */
  stranger: KeyPair;
  /** For servers that take the place of the edge */
  server: TlsParty;
  /** For the edge: one account with the CA */
  bundle: TrustBundle;
}

export async function createClientSide(): Promise<ClientSide> {
  const root = await createCertificateAuthority({ subject: CLIENT_CA_SUBJECT });
  const other = await createCertificateAuthority({ subject: "CN=other-ca,O=Example,C=US" });
  const ca = root.certificatePem;
  const client = await root.issue({ subject: "CN=bench-client,O=Example,C=US" });
  const stranger = await other.issue({ subject: "CN=bench-client,O=Example,C=US" });
  const server = await root.issueServer({ hostnames: [HOSTNAME] });
  const account = {
    account: ACCOUNT,
    version: "1",
    caCertificates: [{ id: "mtlsca_bench", name: "bench_ca", certificate: ca }],
    domains: [{ hostname: HOSTNAME, project: PROJECT }],
  };
  return {
    ca,
    client: { cert: client.certificatePem, key: client.keyPem },
    stranger: { cert: stranger.certificatePem, key: stranger.keyPem },
    server: { cert: server.certificatePem, key: server.keyPem, ca },
    bundle: { format: 1, version: "1", accounts: [account] },
  };
}
