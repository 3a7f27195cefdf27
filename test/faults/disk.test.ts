/** The disk is full: the edge serves on and writes later; the control plane answers 5xx and forgets nothing it answered. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { type CertificateAuthority, createCertificateAuthority } from "../../fixtures/pki/certificate-authority.ts";
import { type TrustBundle, trustBundleSchema } from "../../src/contract/trust-bundle.ts";
import { waitFor } from "../system/sallyport.ts";
import { type ControlStand, cachePathIn, createControlStand } from "./harness/control-stand.ts";
import { observe } from "./harness/observation.ts";
import { CAN_MOUNT, mountSmallDisk } from "./harness/small-disk.ts";
import { ACCOUNT } from "./harness/stand.ts";
import { printCounts } from "./table.ts";

const FAULT_MS = 4_000;
const EDGE_DISK_MEBIBYTES = 1;
const CONTROL_DISK_MEBIBYTES = 32;
/** For some dozens of creates */
const LEFT_BYTES = 512 * 1024;
const CREATES_MAX = 400;
/** Creates that are refused before the disk is given room again */
const REFUSED = 10;
const CA_CERTIFICATES = `/v1/accounts/${ACCOUNT}/ca-certificates`;

it.skipIf(!CAN_MOUNT)(
  "an edge whose disk is full serves on, says so, and writes its copy later (needs root)",
  async (test) => {
    using disk = mountSmallDisk(EDGE_DISK_MEBIBYTES);
    await using stand = await createControlStand({ cacheDirectory: disk.path });
    const path = cachePathIn(disk.path);
    const read = (): TrustBundle => trustBundleSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    const before = await waitFor(() => (existsSync(path) ? read() : undefined));
    const observation = await observe(stand, test, "disk: full, the edge's copy of the bundle");
    const { failed } = await observation.during(async () => {
      disk.fill();
      const witness = await stand.createWitness();
      await waitFor(async () => (await witness.ask()) === "SUCCESS" || undefined);
      await waitFor(
        async () => /cannot be written: .*ENOSPC/.test((await stand.askEdge()).complaints.join()) || undefined,
      );
      await delay(FAULT_MS);
      expect(read(), "the old copy, whole").toEqual(before);
      expect(readdirSync(disk.path).sort()).toEqual(["control-bundle.json", "filler"]);
      expect(await witness.ask()).toBe("SUCCESS");
    });
    expect(failed).toEqual({});
    disk.free();
    const { trustVersion } = (await stand.askEdge()).readiness;
    await waitFor(async () => read().version === trustVersion || undefined);
    await observation.recover(
      "the new trust is in use, the old copy stays whole; the new one was written when there was room",
    );
  },
);

it.skipIf(!CAN_MOUNT)(
  "a control plane whose disk is full refuses creates, and forgets none that it answered (needs root)",
  async (test) => {
    using disk = mountSmallDisk(CONTROL_DISK_MEBIBYTES);
    await using stand = await createControlStand({ stateDirectory: disk.path });
    const authorities = await Promise.all(
      Array.from({ length: CREATES_MAX }, (_, index) => createCertificateAuthority({ subject: `CN=full-${index}` })),
    );
    const observation = await observe(stand, test, "disk: full, the control plane's database");
    const answers = new Map<string, number>();
    const { failed } = await observation.during(async () => {
      disk.fill(LEFT_BYTES);
      await createUntilFull(stand, authorities, answers);
      await delay(FAULT_MS / 2);
    });
    expect(failed).toEqual({});
    disk.free();
    const names = await listNames(stand);
    const created = [...answers].filter(([, status]) => status === 201).map(([name]) => name);
    expect(
      created.filter((name) => !names.includes(name)),
      "answered with 201 and lost",
    ).toEqual([]);
    await expectAudited(stand, names);
    const counts: Record<string, number> = {};
    for (const status of answers.values()) counts[status] = (counts[status] ?? 0) + 1;
    expect(Object.keys(counts).filter((status) => !/^(201|5..)$/.test(status))).toEqual([]);
    const witness = await stand.createWitness();
    await waitFor(async () => (await witness.ask()) === "SUCCESS" || undefined);
    const unanswered = names.filter((name) => name.startsWith("full_") && !created.includes(name)).length;
    await observation.recover(
      `creates: ${printCounts(counts)}; of those not answered with 201, ${unanswered} are there, whole`,
    );
  },
);

async function createUntilFull(
  { api }: ControlStand,
  authorities: readonly CertificateAuthority[],
  answers: Map<string, number>,
): Promise<void> {
  let refused = 0;
  for (const [index, authority] of authorities.entries()) {
    const name = `full_${index}`;
    const body = { name, certificate: authority.certificatePem };
    const { status } = await api("POST", CA_CERTIFICATES, body);
    answers.set(name, status);
    if (status !== 201 && ++refused === REFUSED) return;
  }
  throw new Error(`${authorities.length} creates did not fill the disk`);
}

/** Of all CA certificates of the account; a control plane that was restarted by its supervisor is waited for. */
function listNames({ api }: ControlStand): Promise<string[]> {
  return waitFor(async () => {
    const answer = await api<{ data: { name: string }[] }>("GET", `${CA_CERTIFICATES}?limit=1000`).catch(
      () => undefined,
    );
    return answer?.status === 200 ? answer.body.data.map(({ name }) => name) : undefined;
  });
}

/** Each is written in one transaction with its entry in the audit log: one without the other would be half a create. */
async function expectAudited({ api }: ControlStand, names: readonly string[]): Promise<void> {
  const { body } = await api<{ data: { action: string }[] }>("GET", `/v1/accounts/${ACCOUNT}/audit-log?limit=1000`);
  const creates = body.data.filter(({ action }) => action.startsWith("ca-certificate.create"));
  const text = JSON.stringify(creates);
  expect(names.filter((name) => !text.includes(`"${name}"`))).toEqual([]);
  expect(creates).toHaveLength(names.length);
}
