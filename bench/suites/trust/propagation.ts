/** One account, one CA certificate that is deleted and created again and again, and what clients notice when. */
import type { Figure } from "../suite.ts";
import { createApiOperator, createCliOperator } from "./ca-operator.ts";
import { type ChangeTimes, type MeasuredChanges, measureChanges } from "./changes.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { CONNECTIONS, openBusyConnections, type Stand, startControlledEdge, writeCa } from "./stand.ts";

const ACCOUNT = "bench";
const PROJECT = "shop";
const HOSTNAME = `${PROJECT}.${ACCOUNT}.localhost`;
const CA_NAME = "client_ca";
/** Each is one deletion and one creation. The CLI's own start takes longer than all that is measured here. */
const CHANGES = 20;
const CLI_CHANGES = 10;
/** 50 connections with that pause ask for a thousand answers a second, which is far from full load */
const EASY_PAUSE_MS = 50;
const TARGET_MS = 100;

export async function measurePropagation(stand: Stand): Promise<Figure[]> {
  const { options, ca } = stand;
  const directory = stand.createDirectory("one-account");
  const control = stand.keep(await startControlPlane(directory));
  await provision(control);
  const operated = { account: ACCOUNT, name: CA_NAME, certificatePem: ca.certificatePem };
  const api = createApiOperator(control, operated);
  const cli = createCliOperator(control, operated, directory, writeCa(stand, directory));
  let { id } = await api.create();
  const edge = stand.keep(await startControlledEdge(stand, control, HOSTNAME, directory));

  const figures: Figure[] = [];
  const runs = [
    { name: "API, full load", operator: api, times: CHANGES, pauseMs: 0 },
    { name: "API, 1,000 requests/s", operator: api, times: CHANGES, pauseMs: EASY_PAUSE_MS },
    { name: "CLI, full load", operator: cli, times: CLI_CHANGES, pauseMs: 0 },
  ];
  for (const { name, operator, times, pauseMs } of runs) {
    const load = stand.keep(await openBusyConnections(stand, edge.output, HOSTNAME, pauseMs));
    const measured = await measureChanges({ operator, id, load, connections: CONNECTIONS, times });
    await load.stop();
    id = measured.id;
    options.note(`${name}: ${times} deletions and creations, ${Math.round(measured.answersPerSecond)} requests/s`);
    figures.push(...describeChanges(name, measured));
  }
  await edge.stop();
  await control.stop();
  return figures;
}

async function provision(control: ControlPlane): Promise<void> {
  await control.call("POST", "/v1/accounts", { name: ACCOUNT });
  await control.call("POST", `/v1/accounts/${ACCOUNT}/projects`, { name: PROJECT });
}

/** @param name who changes what, under which load */
export function describeChanges(name: string, { deleted, created }: MeasuredChanges): Figure[] {
  const figure = (
    what: string,
    times: readonly ChangeTimes[],
    field: keyof ChangeTimes,
    isTargeted = false,
  ): Figure => ({
    name: `${name}: ${what}`,
    unit: "ms",
    values: times.map((time) => time[field]),
    ...(isTargeted ? { target: { atMost: TARGET_MS } } : {}),
  });
  return [
    figure("deleted → first refusal, on an open connection", deleted, "firstMs", true),
    figure(`deleted → all ${CONNECTIONS} connections refused`, deleted, "allMs"),
    figure("created → first acceptance", created, "firstMs", true),
    figure(`created → all ${CONNECTIONS} clients accepted, reconnected`, created, "allMs"),
    figure("the deletion itself", deleted, "tookMs"),
    figure("slowest answer around a change", [...deleted, ...created], "slowestMs"),
  ];
}
