/** Options of `urlRewriteHandler`. */
import { z } from "zod";
import { forwardingOptions, urlTemplate } from "./forwarding.ts";

export const urlRewriteOptionsSchema = z.strictObject({
  /** The whole URL, path included */
  rewritePattern: urlTemplate,
  ...forwardingOptions,
});

export type UrlRewriteOptions = z.infer<typeof urlRewriteOptionsSchema>;
