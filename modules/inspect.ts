/** Answers with the request as a handler sees it: a mirror for tests and for the curious. */
import type { ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  return {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
    incomingRequestProperties: context.incomingRequestProperties,
  };
}
