import { environment, ZuploContext, ZuploRequest } from "@zuplo/runtime";

export default async function (request: ZuploRequest, context: ZuploContext) {
  const response = await fetch(`${environment.ALB_BACKEND_URL}/api`, {
    zuplo: {
      mtlsCertificate: environment.ALB_MTLS_CERT,
    },
  });

  return response;
}
