// biome-ignore-all format: copied from the second seed letter for letter; line breaks are all that was added
// biome-ignore-all lint/style/useImportType: as above
// biome-ignore-all lint/correctness/noUnusedFunctionParameters: as above
// That this compiles in strict TypeScript is half of the test; test/worker/outbound-seed.test.ts runs it.
import { ZuploContext, ZuploRequest } from "@zuplo/runtime";
export default async function (request: ZuploRequest, context: ZuploContext) {
  const response = await fetch(
    "https://my-alb-1234567890.us-east-1.elb.amazonaws.com/api",
    {
      zuplo: {
        mtlsCertificate: "aws-alb-cert",
      },
    },
  );
  return response;
}
