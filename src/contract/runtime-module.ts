/**
 * What modules of a project can import from the runtime by name, apart from types: `sallyport build` cannot load the
 * runtime to ask it. Held by a test that can.
 */
export const RUNTIME_MODULE_EXPORTS: readonly string[] = [
  "ConfigurationError",
  "HttpProblems",
  "OriginError",
  "RuntimeError",
  "ZuploContext",
  "ZuploRequest",
  "environment",
];
