/** An egress that several projects use, each with its own token and whatever certificates it has. */
import { Agent, request } from "node:http";
import pino from "pino";
import { LOOPBACK_NETWORKS } from "../../../edge-shim/egress/addresses.ts";
import { startEgress } from "../../../edge-shim/egress/egress.ts";
import { createEgressLog } from "../../../edge-shim/egress/egress-log.ts";
import { createTrustStore } from "../../../edge-shim/trust/trust-store.ts";
import { EGRESS_CALL_HEADER, formatEgressCall } from "../../../src/contract/egress.ts";
import type { TrustBundle } from "../../../src/contract/trust-bundle.ts";
import {
  type Answer,
  createOutboundBundle,
  type Outbound,
  readAnswer,
  TEST_SECRET,
} from "../../egress/harness/egress.ts";

export interface SharedEgress extends AsyncDisposable {
  /** As the worker of `project` asks for its certificate `gateway` */
  ask(project: string, target: string): Promise<Answer>;
}

/** @param tenants what each project has, by `account/project` */
export async function startSharedEgress(tenants: Record<string, Outbound>): Promise<SharedEgress> {
  const egress = await startEgress(
    {
      listen: { port: 0 },
      secret: TEST_SECRET,
      allowedNetworks: LOOPBACK_NETWORKS,
      limits: { keepAliveTimeoutMs: 600_000 },
    },
    {
      trust: createTrustStore(bundleOf(tenants)),
      environment: "development",
      log: createEgressLog(pino({ level: "silent" })),
      clock: Date.now,
    },
  );
  const agent = new Agent({ keepAlive: true });
  return {
    ask(project, target) {
      const call = { token: egress.issueToken(project), project, certificate: "gateway", requestId: undefined, target };
      const headers = { [EGRESS_CALL_HEADER]: formatEgressCall(call) };
      return readAnswer(request(egress.url, { agent, headers }));
    },
    async [Symbol.asyncDispose]() {
      await egress.close();
      agent.destroy();
    },
  };
}

/** Ids and versions are the same in all projects: an attacker may know and choose them. */
function bundleOf(tenants: Record<string, Outbound>): TrustBundle {
  const projects = Object.entries(tenants).map(([name, outbound]) => {
    const [account = "", project = ""] = name.split("/");
    const [document] = createOutboundBundle(outbound).accounts;
    const ofProject = <Item>(items: Item[] = []) => items.map((item) => ({ ...item, project }));
    const mtlsCertificates = ofProject(document?.mtlsCertificates);
    return { account, mtlsCertificates, originCaCertificates: ofProject(document?.originCaCertificates) };
  });
  const accounts = [...Map.groupBy(projects, ({ account }) => account)].map(([account, own]) => ({
    ...{ account, version: "1", caCertificates: [], domains: [] },
    mtlsCertificates: own.flatMap(({ mtlsCertificates }) => mtlsCertificates),
    originCaCertificates: own.flatMap(({ originCaCertificates }) => originCaCertificates),
  }));
  return { format: 1, version: "1", accounts };
}
