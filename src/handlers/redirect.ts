/**
 * `redirectHandler`: sends the client elsewhere.
 *
 * @example "options": { "location": "https://docs.example/", "status": 301 }
 */
import type { RedirectOptions } from "../contract/handler-options/redirect.ts";
import type { CompiledHandler } from "./index.ts";

export function compileRedirect({ location, status }: RedirectOptions): CompiledHandler {
  return {
    ok: true,
    handler: function redirectHandler() {
      return new Response(null, { status, headers: { location } });
    },
  };
}
