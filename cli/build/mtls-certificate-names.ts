/**
 * Which mTLS certificates a project names, where that can be known before it runs: literal names in the options of
 * handlers here, those in modules by module-certificate-names.ts. A deployment registers them, so that none is deleted
 * while it is in use. What a variable names is known to the worker alone.
 */
import { CERTIFICATE_NAME } from "../../src/contract/handler-options/forwarding.ts";
import { IDENTIFIER_ALLOWED, isIdentifier, proposeIdentifier } from "../../src/contract/identifier.ts";
import { ROUTE_EXTENSION } from "../../src/contract/project-files/routes-file.ts";
import { hasEnvSelector, RUNTIME_MODULES } from "../../src/contract/project-files/selectors.ts";
import { below, report } from "./problem.ts";
import type { CompiledRoute } from "./routes.ts";

/** Literal names in the options of the runtime's handlers; those that nothing can be uploaded under are reported. */
export function findNamesInRoutes(routes: readonly CompiledRoute[]): string[] {
  return routes.flatMap(({ place, definition: { handler } }) => {
    const name = handler.options?.mtlsCertificate;
    if (!RUNTIME_MODULES.includes(handler.module) || typeof name !== "string" || hasEnvSelector(name)) return [];
    // What is no name at all was reported with the other options
    const problem = CERTIFICATE_NAME.test(name) ? findNameProblem(name) : undefined;
    const here = below(place, ROUTE_EXTENSION, "handler", "options", "mtlsCertificate");
    if (problem !== undefined) report(here, problem.message, problem.hint);
    return [name];
  });
}

/** Undefined for a name that an upload can have. */
export function findNameProblem(name: string): { message: string; hint: string } | undefined {
  if (isIdentifier(name)) return undefined;
  const message = `"${name}" cannot be the name of an mTLS certificate, allowed are ${IDENTIFIER_ALLOWED}`;
  const proposed = proposeIdentifier(name);
  const hint =
    proposed === undefined
      ? 'write the name that was given to "sallyport mtls-certificate create"'
      : `write ${proposed}, and upload it under that name: sallyport mtls-certificate create --name ${proposed}`;
  return { message, hint };
}
