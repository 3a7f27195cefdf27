import { ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  const mtls = request.user?.data?.mtlsAuth;

  if (!mtls) {
    return new Response("No client certificate", { status: 401 });
  }

  context.log.info("Authenticated client", {
    subject: mtls.subject,
    issuer: mtls.issuer,
    fingerprint: mtls.sha256Fingerprint,
  });

  // Authorize based on certificate subject, fingerprint, etc.
  return new Response(`Hello, ${mtls.subject}`);
}
