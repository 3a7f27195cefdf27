/** Options of the policies that set and remove headers, on requests and on responses alike. */
import { z } from "zod";
import { INTERNAL_HEADER_PREFIX } from "../headers.ts";

/** RFC 9110, section 5.6.2: a field name is a token. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, section 5.5, without the control characters that would end the field. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A name that is no header of ours. */
export const fieldName = z.string().superRefine((name, context) => {
  if (!FIELD_NAME.test(name)) context.addIssue(`"${name}" is not a header name`);
  else if (name.toLowerCase().startsWith(INTERNAL_HEADER_PREFIX)) {
    context.addIssue(`"${name}" is reserved: headers that start with ${INTERNAL_HEADER_PREFIX} belong to the gateway`);
  }
});

const fieldValue = z.string().superRefine((value, context) => {
  if (!FIELD_VALUE.test(value)) {
    context.addIssue(`"${value}" is not a header value: control characters and characters over U+00FF are not allowed`);
  }
});

export const setHeadersOptionsSchema = z.strictObject({
  /** Set in this order */
  headers: z
    .array(
      z.strictObject({
        /** In any case */
        name: fieldName,
        /** In place of every value that the header had */
        value: fieldValue,
        /** `false` keeps a header that is there already */
        overwrite: z.boolean().default(true),
      }),
    )
    .min(1),
});

export type SetHeadersOptions = z.infer<typeof setHeadersOptionsSchema>;

export const removeHeadersOptionsSchema = z.strictObject({
  /** Names, in any case */
  headers: z.array(fieldName).min(1),
});

export type RemoveHeadersOptions = z.infer<typeof removeHeadersOptionsSchema>;
