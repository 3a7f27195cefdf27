/** A leaf that is really encoded, for what has to be read out of DER. Who signed it does not matter here. */
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { encodeClientCert } from "../../src/contract/client-cert-field.ts";

/** As `certRFC9440` */
export async function issueLeaf(names: { dns: string }): Promise<string> {
  const keys = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=client",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: names.dns }])],
  });
  return encodeClientCert(new Uint8Array(certificate.rawData)) ?? "";
}
