/**
 * `sallyport/testing`: for tests in the Workers runtime (the vitest worker pool). It makes the whole gateway answer in
 * milliseconds, as if the edge were in front of it and origins behind it.
 */
export {
  type ClientCertificateOptions,
  type ConnectionOptions,
  clientCertificate,
  type EdgeHeaders,
  noClientCertificate,
} from "./client-certificate.ts";
export type { SubjectAlternativeName } from "./issue-certificate.ts";
export { type OriginMock, type OriginMockOptions, type OriginRequest, originMock } from "./origin-mock.ts";
