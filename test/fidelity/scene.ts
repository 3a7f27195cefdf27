/** What all hosts share: certificates, origins, the project. */

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { startAlb } from "../../fixtures/alb/alb.ts";
import { echoTarget, type Target } from "../../fixtures/alb/echo-target.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { createFolder } from "../system/sallyport.ts";
import { createAuthorities, createIdentities, type Identities, UPLOADED, type UploadedName } from "./identities.ts";
import { type OriginUrls, type PresentedName, writeProject } from "./project.ts";

export interface Scene extends AsyncDisposable {
  /** Temporary */
  folder: string;
  identities: Identities;
  /** CA certificates of clients, by the name under which they are uploaded */
  uploads: Record<UploadedName, CertificateAuthority>;
  /** What the gateway presents to origins */
  presented: Record<PresentedName, IssuedCertificate>;
  /** Issued the server certificate of the trusted origin */
  originCa: CertificateAuthority;
  /** A copy of the project of its own */
  createProject(name: string): string;
}

export async function createScene(): Promise<Scene> {
  const folder = createFolder();
  const authorities = await createAuthorities();
  const identities = await createIdentities(authorities);
  const gatewayCa = await createCertificateAuthority({ subject: "CN=gateway-ca" });
  const originCa = await createCertificateAuthority({ subject: "CN=origin-ca" });
  const trusted = await startOrigin(gatewayCa, originCa);
  const untrusted = await startOrigin(gatewayCa, await createCertificateAuthority({ subject: "CN=unknown-origin-ca" }));
  const origins = { trusted: trusted.url, untrusted: untrusted.url, closed: `https://localhost:${await closedPort()}` };
  const stranger = await createCertificateAuthority({ subject: "CN=stranger-ca" });
  return {
    folder: folder.path,
    identities,
    uploads: {
      fid_root: authorities[UPLOADED.fid_root],
      fid_other: authorities[UPLOADED.fid_other],
      fid_rsa: authorities[UPLOADED.fid_rsa],
    },
    presented: {
      accepted: await gatewayCa.issue({ subject: "CN=gateway,O=Example,C=US" }),
      production_only: await gatewayCa.issue({ subject: "CN=gateway-of-production" }),
      refused: await stranger.issue({ subject: "CN=stranger" }),
    },
    originCa,
    createProject: (name) => createProject(join(folder.path, name), identities, origins),
    async [Symbol.asyncDispose]() {
      await trusted.close();
      await untrusted.close();
      folder[Symbol.dispose]();
    },
  };
}

function createProject(path: string, identities: Identities, origins: OriginUrls): string {
  writeProject(path, identities, origins);
  return path;
}

async function startOrigin(clients: CertificateAuthority, servers: CertificateAuthority) {
  const { chainPem, keyPem } = await servers.issueServer();
  return startAlb({ mode: "verify", trustStore: clients.certificatePem, certificate: chainPem, key: keyPem, target });
}

/** `…/status/<status>` has that status, `…/redirect` leads elsewhere on the same origin; both say what they received. */
const target: Target = (request, response) => {
  const status = /\/status\/(\d{3})$/.exec(request.path)?.[1];
  if (status !== undefined) response.statusCode = Number(status);
  if (request.path.endsWith("/redirect")) {
    response.statusCode = 307;
    response.setHeader("location", "/landed");
  }
  return echoTarget(request, response);
};

/** One that was free a moment ago, and nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
