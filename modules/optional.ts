/** A route that lets everyone in and says what is known about them. Look at `mtlsAuth.verified` before trusting it. */
import type { ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  const { clientMtlsVerificationStatus, clientMtlsVerificationReason } = context.incomingRequestProperties;
  return { user: request.user ?? null, clientMtlsVerificationStatus, clientMtlsVerificationReason };
}
