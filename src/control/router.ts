/**
 * What every group of routes starts from: the types of the request's context, and the one place where a zod error
 * becomes an answer.
 */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Principal } from "./authentication.ts";
import type { Configuration, ControlEnvironment } from "./configuration.ts";
import type { Database } from "./database/database.ts";
import { quote } from "./fields.ts";
import { isProblemCode, problem } from "./problem.ts";

export interface ControlContext {
  Bindings: ControlEnvironment;
  Variables: {
    requestId: string;
    configuration: Configuration;
    database: Database;
    /** Set by authentication.ts; routes below `/v1` are not reached without one */
    principal: Principal;
    /** Set by authorization.ts for routes below `/v1/accounts/{account}`: an account that the caller may use */
    account: string;
  };
}

export function createRouter(): OpenAPIHono<ControlContext> {
  return new OpenAPIHono<ControlContext>({
    defaultHook(result, c) {
      return result.success ? undefined : refuseInput(c, result.error);
    },
  });
}

/** Issues of our own carry their code and hint in zod's `params`. */
export interface IssueParams {
  code: string;
  hint?: string;
}

/** A refusal with a code of its own, as zod takes it. */
export function issueOf({ code, message, hint }: { code: string; message: string; hint: string }) {
  const params: IssueParams = { code, hint };
  return { code: "custom", message, params } as const;
}

const paramsSchema = z.object({ code: z.string(), hint: z.string().optional() });

function refuseInput(c: Context<ControlContext>, error: z.ZodError) {
  const errors = error.issues.map(describeIssue);
  const first = errors[0];
  return problem(c, first !== undefined && isProblemCode(first.code) ? first.code : "invalid_request", {
    detail: errors.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; "),
    ...(first?.hint === undefined ? {} : { hint: first.hint }),
    errors,
  });
}

function describeIssue(issue: z.core.$ZodIssue) {
  const own = issue.code === "custom" ? paramsSchema.safeParse(issue.params).data : undefined;
  return { path: issue.path.join("."), message: describe(issue), code: issue.code, ...own };
}

/** Zod repeats keys that it does not know, and a caller can have put anything there: a private key, say. */
function describe(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return issue.message;
  return `${issue.keys.map(quote).join(", ")} is not a field of this request`;
}
