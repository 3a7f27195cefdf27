/** `sallyport/testing/node`: for end-to-end tests in Node, with real handshakes against the whole stack. */
export {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedCertificate,
  type IssuedCertificate,
} from "../../fixtures/pki/certificate-authority.ts";
export type { ClientIdentity, GatewayRequestInit } from "./clients.ts";
export { type Gateway, type GatewayOptions, startGateway } from "./gateway.ts";
export type { Uploads } from "./uploads.ts";
