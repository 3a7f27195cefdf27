import type { ZuploContext, ZuploRequest } from "@sallyport/runtime";

/** The policy in front of this route let nobody in without a certificate of the CA that it names. */
export default function hello(request: ZuploRequest, context: ZuploContext): Response {
  const client = request.user?.data?.mtlsAuth;
  context.log.info("greeting", { subject: client?.subject });
  return new Response(`Hello, ${client?.subject}`);
}
