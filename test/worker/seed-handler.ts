// biome-ignore-all format: copied from the first seed letter for letter; line breaks are all that was added
// biome-ignore-all lint/style/useImportType: as above
// That this compiles in strict TypeScript is half of the test; test/worker/environment.test.ts runs it.
import { ZuploContext, ZuploRequest } from "@zuplo/runtime";
export default async function (request: ZuploRequest, context: ZuploContext) {
  const mtls = request.user?.data?.mtlsAuth;
  if (!mtls) { return new Response("No client certificate", { status: 401 }); }
  context.log.info("Authenticated client", { subject: mtls.subject, issuer: mtls.issuer, fingerprint: mtls.sha256Fingerprint, });
  // Authorize based on certificate subject, fingerprint, etc.
  return new Response(`Hello, ${mtls.subject}`);
}
