/** The demo's origin: a stand-in for an AWS ALB that lets nobody in without the gateway's client certificate. */
import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import { type Alb, startAlb } from "../../fixtures/alb/alb.ts";
import type { DemoPkiPaths } from "../../fixtures/pki/demo-directory.ts";
import { explainListenFailure } from "./ports.ts";

/** What the gateway presents there, by the name that it is uploaded under */
export const DEMO_MTLS_CERTIFICATE_NAME = "aws_alb_cert";
/** The CA of the origin's server certificate, likewise */
export const DEMO_ORIGIN_CA_NAME = "demo_origin_ca";

const DEFAULT_PORT = 8445;

/**
 * @param port undefined for 8445, or a free one where that is in use
 * @throws CliError when the port that was asked for cannot be had
 */
export async function startDemoOrigin(port: number | undefined, pki: DemoPkiPaths, logger: Logger): Promise<Alb> {
  try {
    return await start(port ?? DEFAULT_PORT, pki, logger);
  } catch (failure) {
    if (port === undefined) return start(0, pki, logger);
    throw explainListenFailure(failure, "127.0.0.1", port, "--origin-port");
  }
}

function start(port: number, pki: DemoPkiPaths, logger: Logger): Promise<Alb> {
  return startAlb({
    port,
    mode: "verify",
    trustStore: readFileSync(pki.originCa, "utf8"),
    certificate: readFileSync(pki.originCert, "utf8"),
    key: readFileSync(pki.originKey, "utf8"),
    onConnection: (entry) => logger.info({ event: "origin_connection", ...entry }, `[origin] ${entry.tlsVerifyStatus}`),
  });
}

/** Variables of the example project; a project's own `.dev.vars` or `.env` says otherwise. */
export function demoOriginVariables(origin: Alb): Record<string, string> {
  return { ALB_BACKEND_URL: origin.url, ALB_MTLS_CERT: DEMO_MTLS_CERTIFICATE_NAME };
}
