/** `/openapi.json`, and the same for people at `/docs`: one page, made here, that loads nothing from anywhere. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { html, raw } from "hono/html";
import type { ControlContext } from "./router.ts";

type Api = OpenAPIHono<ControlContext>;
type Document = ReturnType<Api["getOpenAPI31Document"]>;
type PathItem = NonNullable<Document["paths"]>[string];
type Operation = NonNullable<PathItem["get"]>;

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

const DESCRIPTION = {
  openapi: "3.1.0",
  info: {
    title: "Sallyport control plane",
    version: "1",
    description:
      "Accounts, certificates and domains. Send an API key as `Authorization: Bearer spk_…`. Lists are pages of " +
      "`data` with `offset` and `limit`. What goes wrong is answered as application/problem+json: programs rely on " +
      "`code`, people read `detail` and `hint`.",
  },
  security: [{ apiKey: [] }],
};

/** Needs no key: there is nothing in it that the source does not say. */
export function addDocumentation(app: Api): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", { type: "http", scheme: "bearer" });
  app.doc31("/openapi.json", DESCRIPTION);
  app.get("/docs", (c) => {
    c.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    c.header("x-content-type-options", "nosniff");
    return c.html(renderPage(app.getOpenAPI31Document(DESCRIPTION)));
  });
}

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  code, pre { font: 14px/1.4 ui-monospace, monospace; } pre { background: #8881; padding: .75rem; overflow: auto; }
  summary { cursor: pointer; padding: .4rem 0; } .method { display: inline-block; width: 4.5rem; font-weight: 600; }
  .summary { color: #777; } table { border-collapse: collapse; } td { padding: .1rem 1rem .1rem 0; }
  :root { color-scheme: light dark; }`;

function renderPage(document: Document) {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ path, method, operation }];
    }),
  );
  const groups = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? "");
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${document.info.title}</title><style>${raw(STYLE)}</style></head>
<body>
<h1>${document.info.title}</h1>
<p>${document.info.description}</p>
<p>For programs: <a href="/openapi.json">/openapi.json</a></p>
${[...groups].map(
  ([tag, entries]) => html`<h2>${tag}</h2>
${entries.map(({ path, method, operation }) => renderOperation(path, method, operation))}`,
)}
<h2>Schemas</h2>
${Object.entries(document.components?.schemas ?? {}).map(
  ([name, schema]) => html`<h3 id="${name}">${name}</h3>${renderJson(schema)}`,
)}
</body>
</html>`;
}

function renderOperation(path: string, method: string, operation: Operation) {
  return html`<details>
<summary><span class="method">${method.toUpperCase()}</span> <code>${path}</code>
<span class="summary">${operation.summary}</span></summary>
${operation.description === undefined ? "" : html`<p>${operation.description}</p>`}
${operation.parameters === undefined ? "" : html`<h4>Parameters</h4>${renderJson(operation.parameters)}`}
${operation.requestBody === undefined ? "" : html`<h4>Body</h4>${renderJson(operation.requestBody)}`}
<h4>Answers</h4>
<table>${Object.entries(operation.responses ?? {}).map(
    ([status, response]) => html`<tr><td>${status}</td><td>${response.description}</td></tr>`,
  )}</table>
</details>`;
}

function renderJson(value: unknown) {
  return html`<pre>${JSON.stringify(value, null, 2)}</pre>`;
}
