// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of handlers
/** What cannot be generated: a sentence or two for each export of the runtime, and its smallest example. */
import type { JsonObject } from "../../../src/contract/project.ts";
import { RUNTIME_EXPORTS, type RuntimeExport, type RuntimeExportName } from "../../../src/contract/runtime-exports.ts";

export const MODULE = "$import(@sallyport/runtime)";

interface Entry {
  introduction: string;
  /** Options of the example, as users write them */
  options: JsonObject;
  /** Answers, for exports that reject nothing by themselves */
  withoutAnswers?: string;
}

const NO_ANSWERS = "It gives no answer of its own.";
const SET_HEADERS = { headers: [{ name: "x-team", value: "$env(TEAM)" }] };

export const ENTRIES: Record<RuntimeExportName, Entry> = {
  MTLSAuthInboundPolicy: {
    introduction:
      "Lets requests pass whose client certificate verified and meets the rules, and attaches what is known of it as `request.user.data.mtlsAuth`. With `allowUnauthenticatedRequests` it rejects nothing. More in the [README](../README.md).",
    options: { certIssuerDN: "CN=example-ca, O=Example, C=US" },
  },
  CdnIdentityInboundPolicy: {
    introduction:
      "Takes the client's identity from a header, with proof that the request comes from your CDN. More in [policies.md](policies.md#cdn-identity-inbound-behind-somebody-elses-cdn).",
    options: {
      identityHeader: "x-verified-client",
      proof: { secret: { header: "x-cdn-secret", values: ["$env(CDN_SECRET)"] } },
    },
  },
  CertificateBoundTokenInboundPolicy: {
    introduction:
      "Lets requests pass with a JWT access token that is bound to the client certificate of the connection. More in [policies.md](policies.md#certificate-bound-token-inbound-rfc-8705).",
    options: { issuer: "https://login.example.com", audience: "https://api.example.com" },
  },
  CompositeInboundPolicy: {
    introduction:
      "Runs inbound policies in order, as if the route named each of them; the first answer ends it. Parts may be composite themselves, and none may contain itself.",
    options: { policies: ["mtls", "mark"] },
    withoutAnswers: "It gives the answers of its parts.",
  },
  SetHeadersInboundPolicy: {
    introduction: "Sets headers of the request, before the handler.",
    options: SET_HEADERS,
    withoutAnswers: NO_ANSWERS,
  },
  SetHeadersOutboundPolicy: {
    introduction: "Sets headers of the response, after the handler.",
    options: SET_HEADERS,
    withoutAnswers: NO_ANSWERS,
  },
  RemoveHeadersInboundPolicy: {
    introduction: "Removes headers of the request, before the handler.",
    options: { headers: ["x-debug"] },
    withoutAnswers: NO_ANSWERS,
  },
  RemoveHeadersOutboundPolicy: {
    introduction: "Removes headers of the response, after the handler.",
    options: { headers: ["x-powered-by", "server"] },
    withoutAnswers: NO_ANSWERS,
  },
  urlForwardHandler: {
    introduction:
      "Sends the request on: the path of the request follows the one of `baseUrl`. With `mtlsCertificate` the URL has to be `https:`. `forwardClientCertificate` is in [policies.md](policies.md#tell-the-origin-who-the-client-is-rfc-9440).",
    options: { baseUrl: "${env.ORIGIN_URL}", mtlsCertificate: "$env(ORIGIN_CERTIFICATE)" },
  },
  urlRewriteHandler: {
    introduction:
      "Sends the request on to a URL that is made of the request's parts. With `mtlsCertificate` the URL has to be `https:`.",
    options: { rewritePattern: "https://origin.example/v2/items/${e(params.id)}" },
  },
  redirectHandler: {
    introduction: "Sends the client elsewhere: an answer with `location` and no body.",
    options: { location: "https://docs.example/", status: 301 },
  },
};

/** The entry of `config/policies.json`, or the `handler` of a route. */
export function createExample(name: RuntimeExportName): JsonObject {
  const { policyType }: RuntimeExport = RUNTIME_EXPORTS[name];
  const handler = { export: name, module: MODULE, options: ENTRIES[name].options };
  return policyType === undefined ? handler : { name: exampleName(policyType), policyType, handler };
}

/** `set-headers-inbound` → `set-headers` */
function exampleName(policyType: string): string {
  return policyType === "mtls-auth-inbound" ? "mtls" : policyType.replace(/-(?:in|out)bound$/, "");
}

/** A project of the example alone, and what it refers to. */
export function createProject(name: RuntimeExportName): { policies: JsonObject[]; route: JsonObject } {
  const example = createExample(name);
  const { kind }: RuntimeExport = RUNTIME_EXPORTS[name];
  const hello = { export: "default", module: "$import(./modules/hello)" };
  if (kind === "handler") return { policies: [], route: { handler: example } };
  const parts =
    name === "CompositeInboundPolicy"
      ? [
          createExample("MTLSAuthInboundPolicy"),
          { ...createExample("SetHeadersInboundPolicy"), name: "mark" } satisfies JsonObject,
        ]
      : [];
  const side = kind === "inbound-policy" ? "inbound" : "outbound";
  return { policies: [...parts, example], route: { handler: hello, policies: { [side]: [String(example.name)] } } };
}
