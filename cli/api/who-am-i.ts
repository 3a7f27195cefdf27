/** Who an API key belongs to: the answer to `GET /v1/who-am-i`. */
import { type infer as Infer, looseObject, nullable, string } from "zod/mini";

export const whoAmISchema = looseObject({
  apiKeyId: string(),
  name: string(),
  /** `admin`, `account` or `edge` */
  scope: string(),
  /** Null for keys that belong to no account */
  account: nullable(string()),
});
export type WhoAmI = Infer<typeof whoAmISchema>;

/** What is looked at of an account and of a project. */
export const namedSchema = looseObject({ name: string() });
