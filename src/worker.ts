/** Composition root of the gateway worker, and nothing else. The entry that `sallyport build` writes calls it. */
import { env } from "cloudflare:workers";
import type { ProjectDefinition, ProjectModules } from "./contract/project.ts";
import { createClientCertificateSource } from "./gateway/client-certificate-source.ts";
import { compileProject } from "./gateway/compile-project.ts";
import { parseConfiguration } from "./gateway/configuration.ts";
import { type Gateway, handleRequest } from "./gateway/handle-request.ts";
import { createCertificateTransport } from "./runtime/certificate-transport.ts";
import { selectProjectVariables } from "./runtime/environment.ts";
import { plainFetch, setCertificateTransport } from "./runtime/fetch.ts";
import { openTracing } from "./tracing/tracing.ts";

/** What tests replace. */
export interface WorkerOptions {
  /** Bindings of the worker; its variables are the strings among them */
  variables?: Readonly<Record<string, unknown>>;
  now?: () => Date;
}

/** A worker that serves `definition`; with an invalid project or invalid variables it answers everything with 500. */
export function createWorker(
  definition: ProjectDefinition,
  modules: ProjectModules,
  { variables = { ...env }, now = () => new Date() }: WorkerOptions = {},
): ExportedHandler & { fetch: NonNullable<ExportedHandler["fetch"]> } {
  const { configuration, problems } = parseConfiguration(variables);
  setCertificateTransport(createCertificateTransport(variables, configuration.egress, plainFetch));
  const project = compileProject(definition, modules, selectProjectVariables(variables));
  const gateway: Gateway = {
    project,
    isDevelopment: configuration.isDevelopment,
    problems: [...problems, ...project.problems],
    identify: createClientCertificateSource(configuration),
    hasEgress: configuration.egress !== undefined,
    tracing: openTracing(variables, plainFetch),
    now,
  };
  return {
    fetch: (request, _bindings, executionContext) => handleRequest(request, gateway, executionContext),
  };
}
