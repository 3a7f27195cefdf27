/** The `package.json` of a new project: the versions with which this Sallyport was tested. */
import packageJson from "../../package.json" with { type: "json" };

/** @param spec where npm takes sallyport from */
export function createPackageJson(name: string, spec: string): string {
  const { dependencies, devDependencies } = packageJson;
  const content = {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    scripts: {
      dev: "sallyport dev",
      serve: "sallyport serve --no-origin",
      build: "sallyport build",
      test: "vitest run",
      check: "tsc",
      deploy: "wrangler deploy",
    },
    dependencies: { sallyport: spec },
    devDependencies: {
      "@cloudflare/vitest-pool-workers": devDependencies["@cloudflare/vitest-pool-workers"],
      "@cloudflare/workers-types": devDependencies["@cloudflare/workers-types"],
      typescript: devDependencies.typescript,
      vitest: devDependencies.vitest,
      wrangler: dependencies.wrangler,
    },
    // Each puts its own binary in place; npm asks before it runs what is not named here.
    allowScripts: { esbuild: true, node: true, workerd: true },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
