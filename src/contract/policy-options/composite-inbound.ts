/** Options of `composite-inbound`: inbound policies that run in order as if the route named each of them. */
import { z } from "zod";

export const compositeInboundOptionsSchema = z.strictObject({
  /** Names of inbound policies of `config/policies.json` */
  policies: z.array(z.string().min(1)).min(1),
});

export type CompositeInboundOptions = z.infer<typeof compositeInboundOptionsSchema>;
