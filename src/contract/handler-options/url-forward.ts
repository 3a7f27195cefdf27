/** Options of `urlForwardHandler`. */
import { z } from "zod";
import { forwardingOptions, urlTemplate } from "./forwarding.ts";

export const urlForwardOptionsSchema = z.strictObject({
  /** The path of the request is appended to its path */
  baseUrl: urlTemplate,
  ...forwardingOptions,
});

export type UrlForwardOptions = z.infer<typeof urlForwardOptionsSchema>;
