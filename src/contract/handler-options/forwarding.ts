/** Options that `urlForwardHandler` and `urlRewriteHandler` share, and the URL templates that both begin with. */
import { z } from "zod";
import { parseTemplate } from "./template.ts";

const SCHEMES = ["https://", "http://"];
const NOT_ABSOLUTE = "is not an absolute URL, allowed: https://… and http://…";

/** A template of an absolute URL: what stands before its first expression has to begin one, or to be one. */
export const urlTemplate = z.string().superRefine((text, context) => {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return context.addIssue(parsed.reason);
  const [first] = parsed.template;
  const isWhole = parsed.template.every((part) => typeof part === "string");
  const problem = isWhole ? findUrlProblem(URL.parse(text)) : findBeginningProblem(first);
  if (problem !== undefined) context.addIssue(`"${text}" ${problem}`);
});

/** Of a template that begins with text. */
function findBeginningProblem(first: unknown): string | undefined {
  if (typeof first !== "string") return undefined;
  const text = first.toLowerCase();
  const canBegin = SCHEMES.some((scheme) => text.startsWith(scheme) || scheme.startsWith(text));
  return canBegin ? undefined : NOT_ABSOLUTE;
}

/** Why requests cannot be sent to `url`, which is null when it did not parse. */
export function findUrlProblem(url: URL | null): string | undefined {
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return NOT_ABSOLUTE;
  }
  if (url.username !== "" || url.password !== "") return "has a user name or password, which a URL must not carry";
  return url.hash === "" ? undefined : "has a fragment, which is never sent to an origin";
}

/**
 * What a worker passes on as a name. Printable ASCII, since it travels in a header; which names there can be is not for a
 * worker to say, but for who keeps the certificates: uploads are identifiers (`../identifier.ts`), as the build knows.
 */
export const CERTIFICATE_NAME = /^[\x21-\x7e]{1,255}$/;

/** Which fields of RFC 9440 tell the origin who the client is. */
const FORWARDED_CLIENT_CERTIFICATES = ["none", "client-cert", "client-cert-and-chain"] as const;

export const forwardingOptions = {
  /** Append the query of the request */
  forwardSearch: z.boolean().default(true),
  /** `false` hands redirects on to the client */
  followRedirects: z.boolean().default(false),
  /**
   * Name of an mTLS certificate of the project. Given but undefined (by a variable that is not set) every request
   * fails: it must not become a call without a certificate.
   */
  mtlsCertificate: z
    .string()
    .regex(CERTIFICATE_NAME, { error: (issue) => `"${String(issue.input)}" is not the name of an mTLS certificate` })
    .optional(),
  /** The verified certificate of the client, as `Client-Cert` and, where the client sent one, `Client-Cert-Chain` */
  forwardClientCertificate: z.enum(FORWARDED_CLIENT_CERTIFICATES).default("none"),
};

const forwardingSchema = z.strictObject(forwardingOptions);

export type ForwardingOptions = z.infer<typeof forwardingSchema>;
