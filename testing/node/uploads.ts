/** What a test uploads to the control plane of its gateway. It takes effect a moment later, when the edge has heard of it. */
import { ENVIRONMENT_TYPES } from "../../src/contract/egress.ts";
import type { ClientIdentity } from "./clients.ts";

export interface Uploads {
  /** Clients whose certificate leads to this CA verify from then on. Returns the id, `mtlsca_…` */
  caCertificate(name: string, certificatePem: string): Promise<string>;
  /** A certificate that the gateway presents to origins, under the name that routes and modules use. Returns the id, `cert_…` */
  mtlsCertificate(name: string, identity: ClientIdentity): Promise<string>;
  /** A CA that certificates of origins may come from. Returns the id */
  originCa(name: string, certificatePem: string): Promise<string>;
}

export interface UploadTarget {
  controlUrl: string;
  apiKey: string;
  account: string;
  project: string;
}

/** Each throws an Error with what the control plane answered, when that is a refusal. */
export function createUploads({ controlUrl, apiKey, account, project }: UploadTarget): Uploads {
  async function upload(path: string, body: object): Promise<string> {
    const response = await fetch(new URL(`/v1/accounts/${account}${path}`, controlUrl), {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`the control plane answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  }
  return {
    caCertificate: (name, certificate) => upload("/ca-certificates", { name, certificate }),
    originCa: (name, certificate) => upload(`/projects/${project}/origin-cas`, { name, certificate }),
    mtlsCertificate: (name, { chainPem, keyPem }) =>
      upload(`/projects/${project}/mtls-certificates`, {
        name,
        certificate: chainPem,
        privateKey: keyPem,
        environmentTypes: ENVIRONMENT_TYPES,
      }),
  };
}
