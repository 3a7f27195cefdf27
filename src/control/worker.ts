/**
 * The control-plane worker: composition root, and nothing else. Order matters: configuration and authentication come
 * before a body is read, and an account's routes are not reached by keys of another.
 */
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { accountRoutes } from "./accounts/accounts.ts";
import { apiKeyRoutes } from "./accounts/api-keys.ts";
import { auditLogRoutes } from "./accounts/audit-log.ts";
import { deploymentRoutes } from "./accounts/deployments.ts";
import { projectRoutes } from "./accounts/projects.ts";
import { whoAmIRoutes } from "./accounts/who-am-i.ts";
import { authenticate } from "./authentication.ts";
import { requireAccount, requireScope } from "./authorization.ts";
import { caCertificateRoutes } from "./ca-certificates/ca-certificates.ts";
import { parseConfiguration } from "./configuration.ts";
import { customDomainRoutes } from "./custom-domains/custom-domains.ts";
import { openDatabase } from "./database/database.ts";
import { addDocumentation } from "./documentation.ts";
import { edgeRoutes } from "./edge/edge-routes.ts";
import { logFailure } from "./log.ts";
import { mtlsCertificateChangeRoutes } from "./mtls-certificates/changes.ts";
import { mtlsCertificateRoutes } from "./mtls-certificates/mtls-certificates.ts";
import { rewrapRoutes } from "./mtls-certificates/rewrap.ts";
import { originCaRoutes } from "./origin-cas/origin-cas.ts";
import { notFound, problem } from "./problem.ts";
import { createRouter } from "./router.ts";

export { EdgeNotifier } from "./edge/notifier.ts";

/** A certificate with its chain and key is a few KiB, the largest thing that anybody sends. */
const BODY_MAX_BYTES = 256 * 1024;

const app = createRouter();

app.onError(function answerError(error, c) {
  if (error instanceof HTTPException && error.status === 400) {
    return problem(c, "invalid_json", { detail: "the body is not JSON", hint: "send a JSON object" });
  }
  if (error instanceof HTTPException && error.status === 415) {
    return problem(c, "unsupported_media_type", {
      detail: "the body is not declared as JSON",
      hint: "send `Content-Type: application/json`",
    });
  }
  logFailure("request_failed", error, c.get("requestId"));
  return problem(c, "internal_error", { detail: "something went wrong; the log of the control plane says what" });
});

app.notFound((c) => notFound(c, "such route"));

app.use(async function prepare(c, next) {
  c.set("requestId", crypto.randomUUID());
  c.header("cache-control", "no-store");
  c.set("configuration", parseConfiguration(c.env));
  c.set("database", openDatabase(c.env.DB));
  await next();
});

addDocumentation(app);

app.use("/v1/*", authenticate);
app.use(
  "/v1/*",
  bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (c) =>
      problem(c, "request_too_large", { detail: `the body is too large, allowed are ${BODY_MAX_BYTES} bytes` }),
  }),
);
app.use("/v1/accounts/:account/*", requireAccount);
app.use("/v1/api-keys/*", requireScope("admin"));
app.use("/v1/master-key/*", requireScope("admin"));
app.use("/v1/audit-log", requireScope("admin"));
app.use("/v1/edge/*", requireScope("edge"));

for (const routes of [
  whoAmIRoutes,
  accountRoutes,
  projectRoutes,
  apiKeyRoutes,
  caCertificateRoutes,
  customDomainRoutes,
  mtlsCertificateRoutes,
  mtlsCertificateChangeRoutes,
  originCaRoutes,
  rewrapRoutes,
  deploymentRoutes,
  auditLogRoutes,
  edgeRoutes,
]) {
  app.route("/", routes);
}

export default app;
