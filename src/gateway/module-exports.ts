/** Looks up what a module reference of a project file points at. */
import type { ModuleReference, ProjectModules } from "../contract/project.ts";
import { RUNTIME_MODULES } from "../contract/project-files/selectors.ts";

/** An export of a user's module; of the runtime's own there is none that user modules could shadow. */
export function findUserExport(reference: ModuleReference, modules: ProjectModules): unknown {
  if (RUNTIME_MODULES.some((name) => name === reference.module)) return undefined;
  return Object.hasOwn(modules, reference.module) ? modules[reference.module]?.[reference.export] : undefined;
}

export function describeReference(reference: ModuleReference): string {
  return `"${reference.export}" of "${reference.module}"`;
}
