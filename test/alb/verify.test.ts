/** Verify mode: who gets in, which reason stands in the log for everybody else, and which alert they see. */
import "reflect-metadata";
import { webcrypto, X509Certificate } from "node:crypto";
import { X509CrlGenerator } from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Alb, startAlb } from "../../fixtures/alb/alb.ts";
import type { ConnectionLogEntry } from "../../fixtures/alb/connection-log.ts";
import { type AlertCode, AlertDescription } from "../../fixtures/alb/fatal-alert.ts";
import type { FailureReason } from "../../fixtures/alb/verify-client.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
import { flipSignatureBit } from "../../fixtures/pki/damage.ts";
import { askWithCurl, askWithNode, askWithOpenssl, type Identity } from "./clients.ts";

const DAY_MS = 86_400_000;
const YESTERDAY = new Date(Date.now() - DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);
const REFUSED_BY_OWNER = "CN=refused by the owner";

let root: CertificateAuthority;
let client: IssuedCertificate;
let alb: Alb;

beforeAll(async () => {
  root = await createCertificateAuthority({ subject: "CN=example-origin-ca,O=Example,C=US" });
  client = await root.issue({ subject: "CN=gateway,O=Example,C=US" });
  const server = await root.issueServer();
  alb = await startAlb({
    mode: "verify",
    trustStore: root.certificatePem,
    certificate: server.chainPem,
    key: server.keyPem,
    acceptClient: (leaf) => leaf.subject !== REFUSED_BY_OWNER,
  });
});
afterAll(() => alb.close());

const chainBelow = async (intermediates: number) => {
  let authority = root;
  for (let depth = 0; depth < intermediates; depth++) {
    authority = await authority.issueIntermediate({ subject: `CN=ca-${depth}` });
  }
  return authority.issue({ subject: "CN=deep" });
};

const ACCEPTED: Record<string, () => Promise<Identity>> = {
  "a leaf of the trust store's CA": async () => client,
  "a leaf behind three intermediates": () => chainBelow(3),
  "an RSA leaf": () => root.issue({ subject: "CN=rsa", key: "rsa-2048" }),
  "a P-521 leaf": () => root.issue({ subject: "CN=p521", key: "ec-p521" }),
};

describe.each(["TLSv1.2", "TLSv1.3"] as const)("verify mode under %s", (version) => {
  const tls = { minVersion: version, maxVersion: version };

  it.each(Object.entries(ACCEPTED))("accepts %s", async (_, issue) => {
    const answer = await askWithNode(`${alb.url}/x`, { ca: root.certificatePem, identity: await issue(), tls });
    expect(answer).toMatchObject({ ok: true, status: 200 });
    expect(alb.connections.at(-1)).toMatchObject({ tlsProtocol: version, tlsVerifyStatus: "Success" });
  });

  it.each(Object.entries(REFUSED))("refuses %s", async (_, { issue, reason, alert }) => {
    const answer = await askWithNode(`${alb.url}/x`, { ca: root.certificatePem, identity: await issue(), tls });
    expect(answer).toMatchObject({ ok: false, alert });
    expect(alb.connections.at(-1)).toMatchObject({ tlsProtocol: version, tlsVerifyStatus: `Failed:${reason}` });
  });

  it("refuses a client without a certificate by the alert of that version", async () => {
    const answer = await askWithNode(`${alb.url}/x`, { ca: root.certificatePem, tls });
    const alert = version === "TLSv1.3" ? AlertDescription.certificateRequired : AlertDescription.handshakeFailure;
    expect(answer).toMatchObject({ ok: false, alert });
    expect(alb.connections.at(-1)).toMatchObject({ tlsVerifyStatus: "Failed:UnmappedConnectionError" });
  });
});

interface Refusal {
  issue: () => Promise<Identity>;
  reason: FailureReason;
  alert: AlertCode;
}

const REFUSED: Record<string, Refusal> = {
  "an unknown CA's leaf": {
    issue: async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issue({ subject: "CN=stranger" }),
    reason: "ClientCertUntrusted",
    alert: AlertDescription.unknownCa,
  },
  "a self-signed leaf": {
    issue: () => createSelfSignedCertificate({ subject: "CN=self" }),
    reason: "ClientCertUntrusted",
    alert: AlertDescription.unknownCa,
  },
  "a missing intermediate": {
    issue: async () => {
      const leaf = await chainBelow(1);
      return { chainPem: leaf.certificatePem, keyPem: leaf.keyPem };
    },
    reason: "ClientCertUntrusted",
    alert: AlertDescription.unknownCa,
  },
  "an expired leaf": {
    issue: () => root.issue({ subject: "CN=late", notAfter: YESTERDAY, notBefore: new Date(0) }),
    reason: "ClientCertExpired",
    alert: AlertDescription.certificateExpired,
  },
  "a leaf that is not yet valid": {
    issue: () => root.issue({ subject: "CN=early", notBefore: TOMORROW }),
    reason: "ClientCertNotYetValid",
    alert: AlertDescription.badCertificate,
  },
  "a server's certificate": {
    issue: () => root.issue({ subject: "CN=server", extendedKeyUsage: ["serverAuth"] }),
    reason: "ClientCertPurposeInvalid",
    alert: AlertDescription.unsupportedCertificate,
  },
  "an altered signature": {
    issue: async () => flipSignatureBit(await root.issue({ subject: "CN=altered" })),
    reason: "ClientCertInvalid",
    alert: AlertDescription.decryptError,
  },
  "an Ed25519 key": {
    issue: () => root.issue({ subject: "CN=ed", key: "ed25519" }),
    reason: "ClientCertTypeUnsupported",
    alert: AlertDescription.unsupportedCertificate,
  },
  "four intermediates": {
    issue: () => chainBelow(4),
    reason: "ClientCertMaxChainDepthExceeded",
    alert: AlertDescription.unknownCa,
  },
  "a leaf of 70,000 bytes": {
    issue: () => root.issue({ subject: "CN=large", sizeBytes: 70_000 }),
    reason: "ClientCertMaxSizeExceeded",
    alert: AlertDescription.badCertificate,
  },
  "a leaf that the trust store's owner rejects": {
    issue: () => root.issue({ subject: REFUSED_BY_OWNER }),
    reason: "ClientCertRejected",
    alert: AlertDescription.badCertificate,
  },
};

describe("the alert, in the words of other clients", () => {
  const unknown = async () => (await createCertificateAuthority({ subject: "CN=rogue" })).issue({ subject: "CN=x" });

  it.each([
    ["--tls-max", "1.2"],
    ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"],
    ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_256_GCM_SHA384"],
    ["--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256"],
  ])("is unknown ca for curl %s %s %s", async (...flags) => {
    const question = { ca: root.certificatePem, identity: await unknown() };
    const given = flags.filter((flag) => flag !== undefined);
    const { exitCode, stdout, stderr } = await askWithCurl(`${alb.url}/x`, question, ...given);
    expect({ isDone: exitCode === 0, stdout }).toEqual({ isDone: false, stdout: "" });
    expect(stderr).toContain("alert unknown ca");
  });

  it.each(["-tls1_2", "-tls1_3"])("is number 48 for openssl s_client %s", async (version) => {
    const text = await askWithOpenssl(alb.port, { ca: root.certificatePem, identity: await unknown() }, "", version);
    expect(text).toContain("SSL alert number 48");
    expect(text).not.toContain("HTTP/1.1");
  });
});

describe("with a revocation list", () => {
  const HOUR_MS = 3_600_000;

  async function createRevocationList(serialNumber: string, nextUpdate: Date): Promise<string> {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const der = root.keys.privateKey.export({ type: "pkcs8", format: "der" });
    const signingKey = await webcrypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]);
    const list = await X509CrlGenerator.create({
      // this library writes a name in the order of the text, which RFC 4514 turns round
      issuer: "C=US,O=Example,CN=example-origin-ca",
      thisUpdate: YESTERDAY,
      nextUpdate,
      entries: [{ serialNumber, revocationDate: YESTERDAY }],
      signingAlgorithm: algorithm,
      signingKey,
    });
    // RFC 7468, section 6: OpenSSL wants the full label
    return list.toString("pem").replaceAll(" CRL-----", " X509 CRL-----").replaceAll("X509 X509", "X509");
  }

  async function refuseWith(
    revocationList: string,
  ): Promise<{ alert: unknown; entry: ConnectionLogEntry | undefined }> {
    const server = await root.issueServer();
    const strict = await startAlb({
      mode: "verify",
      trustStore: root.certificatePem,
      revocationLists: [revocationList],
      certificate: server.chainPem,
      key: server.keyPem,
    });
    try {
      const answer = await askWithNode(strict.url, { ca: root.certificatePem, identity: client });
      return { alert: answer.ok || answer.alert, entry: strict.connections.at(-1) };
    } finally {
      await strict.close();
    }
  }

  it("refuses a revoked leaf", async () => {
    const { serialNumber } = new X509Certificate(client.certificatePem);
    const { alert, entry } = await refuseWith(await createRevocationList(serialNumber, TOMORROW));
    expect(alert).toBe(AlertDescription.certificateRevoked);
    expect(entry?.tlsVerifyStatus).toBe("Failed:ClientCertCrlHit");
  });

  it("refuses everybody when the list is out of date", async () => {
    const { alert, entry } = await refuseWith(
      await createRevocationList("01", new Date(YESTERDAY.getTime() + HOUR_MS)),
    );
    expect(alert).toBe(AlertDescription.certificateUnknown);
    expect(entry?.tlsVerifyStatus).toBe("Failed:ClientCertCrlProcessingError");
  });
});
