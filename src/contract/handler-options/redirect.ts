/** Options of `redirectHandler`. */
import { z } from "zod";

/** Status codes that browsers and clients follow (RFC 9110, section 15.4). */
const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;

/** Against which a relative location is read, only to see whether it parses. */
const SOME_URL = "https://localhost/";

const location = z.string().superRefine((text, context) => {
  const url = URL.parse(text, SOME_URL);
  const isHttp = url?.protocol === "https:" || url?.protocol === "http:";
  if (text === "" || !isHttp || /[^\x21-\x7e]/.test(text)) {
    context.addIssue(`"${text}" is not a location, allowed: an http or https URL or a path, percent-encoded`);
  }
});

export const redirectOptionsSchema = z.strictObject({
  /** Absolute, or relative to the request's URL */
  location,
  /** Which redirect it is: whether it is permanent, and whether the method stays (RFC 9110, section 15.4) */
  status: z
    .number()
    .refine((status) => REDIRECT_STATUSES.some((allowed) => allowed === status), {
      error: (issue) => `"${String(issue.input)}" is not a redirect status, allowed: ${REDIRECT_STATUSES.join(", ")}`,
    })
    .default(302),
});

export type RedirectOptions = z.infer<typeof redirectOptionsSchema>;
