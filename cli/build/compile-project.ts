/** From the project's files to the definition that the gateway worker loads. Pure: whatever the JSON, it only reports. */
import type { ProjectDefinition } from "../../src/contract/project.ts";
import type { ModuleUse } from "./module-references.ts";
import { findNamesInRoutes } from "./mtls-certificate-names.ts";
import { compilePolicies, POLICIES_FILE } from "./policies.ts";
import { type BuildLog, type Place, warn } from "./problem.ts";
import type { ProjectFile } from "./project-file.ts";
import { reportRouteConflicts } from "./route-paths.ts";
import { compileRoutes } from "./routes.ts";

export interface ProjectFiles {
  /** In the order in which they match */
  routes: readonly ProjectFile[];
  /** `missing` is a project without policies; undefined is a file that cannot be read */
  policies: ProjectFile | "missing" | undefined;
}

export interface CompiledProject {
  definition: Omit<ProjectDefinition, "buildId">;
  uses: ModuleUse[];
  /** Of the mTLS certificates that routes name literally */
  mtlsCertificateNames: string[];
}

/** Only to be used when `log.problems` is still empty afterwards. */
export function compileProject(files: ProjectFiles, log: BuildLog): CompiledProject {
  const uses: ModuleUse[] = [];
  const policiesPlace: Place = { file: POLICIES_FILE, path: [], log };
  const policiesFile = files.policies === "missing" ? { value: {} } : files.policies;
  const compiled = policiesFile && compilePolicies(policiesFile.value, policiesPlace, uses);
  const routes = files.routes.flatMap(({ file, value }) =>
    compileRoutes(value, { file, path: [], log }, { policies: compiled, uses }),
  );
  reportRouteConflicts(routes);
  if (routes.length === 0)
    warn({ file: "config", path: [], log }, "no routes, every request will be answered with 404");
  return {
    definition: {
      routes: routes.map(({ definition }) => definition),
      policies: [...(compiled?.policies.values() ?? [])].flatMap(({ definition }) => definition ?? []),
      corsPolicies: compiled?.corsPolicies ?? [],
    },
    uses,
    mtlsCertificateNames: findNamesInRoutes(routes),
  };
}
