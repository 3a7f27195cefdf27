/**
 * The control plane fails, or something between it and the edge: no request of a verified client notices, the last good
 * bundle stays, readiness says so, and a removal of that time takes effect as soon as the edge hears the truth again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { waitFor } from "../system/sallyport.ts";
import {
  ANSWERS_500,
  type Answer,
  type ControlFault,
  changeDocuments,
  changeIndex,
  GARBAGE,
  REFUSES_KEY,
} from "./harness/control-proxy.ts";
import { type ControlStand, createControlStand, OTHER_ACCOUNT, type Witness } from "./harness/control-stand.ts";
import { observe } from "./harness/observation.ts";

const FAULT_MS = 3_000;
/** Ten seconds for a silent control plane, thirty to the next poll */
const LIMIT_MS = 60_000;
const ANSWER_MAX_BYTES = 64 * 1024 * 1024;
/** What the kernel and the proxy hold that the edge never saw */
const IN_FLIGHT_BYTES = 32 * 1024 * 1024;

let stand: ControlStand;
beforeAll(async () => {
  stand = await createControlStand();
});
afterAll(() => stand?.[Symbol.asyncDispose]());

const withoutDocument = changeDocuments(() => []);
const documentOfAnother = changeDocuments((documents) =>
  documents.map((document) => ({ ...document, account: OTHER_ACCOUNT })),
);
const unreadableCa = changeDocuments((documents) =>
  documents.map((document) => ({
    ...document,
    caCertificates: (document.caCertificates as Answer[]).map((ca) => ({ ...ca, certificate: "no certificate" })),
  })),
);
const twice = changeIndex((accounts) => [...accounts, ...accounts]);

it.for<[title: string, fault: ControlFault, state: "stale" | "refused"]>([
  ["that answers 500", ANSWERS_500, "stale"],
  ["that refuses the edge's key", REFUSES_KEY, "refused"],
  ["that answers garbage", GARBAGE, "stale"],
  ["that ends in the middle of its answers", { kind: "truncated" }, "stale"],
  ["that answers without end", { kind: "endless" }, "stale"],
  ["that names an account and does not send its document", withoutDocument, "stale"],
  ["that sends the document of another account", documentOfAnother, "stale"],
  ["that names accounts twice", twice, "stale"],
  ["that sends CA certificates that are none", unreadableCa, "stale"],
  ["that is cut off", { kind: "away" }, "stale"],
  ["that accepts and never answers", { kind: "hang" }, "stale"],
])("a control plane %s", async ([title, fault, state], test) => {
  await survive(test, title.replace("that ", ""), fault, state);
});

async function survive(test: TestContext, title: string, fault: ControlFault, state: string): Promise<void> {
  const { controlProxy } = stand;
  const witness = await verified(await stand.createWitness());
  const observation = await observe(stand, test, `control plane: ${title}`);
  let reason = "";
  const { failed } = await observation
    .during(async () => {
      controlProxy.switch(fault);
      await witness.remove();
      reason = await waitForState(state);
      await delay(FAULT_MS);
      expect(await witness.ask(), "the last good bundle stays").toBe("SUCCESS");
    })
    .finally(() => controlProxy.switch(undefined));
  const backMs = performance.now();
  await becomes(witness, /^FAILED/);
  const seconds = Math.ceil((performance.now() - backMs) / 1_000);
  await waitForState("current");
  // One that went silent without a word is given up, too.
  await waitFor(
    () => controlProxy.streams() > 0 || undefined,
    () => "the edge does not listen",
    LIMIT_MS,
  );
  expect(failed).toEqual({});
  expect(controlProxy.longestAnswerBytes()).toBeLessThan(ANSWER_MAX_BYTES + IN_FLIGHT_BYTES);
  await observation.recover(`${reason}; the removal took effect ${seconds} s after it`);
}

async function waitForState(wanted: string): Promise<string> {
  const status = await waitFor(
    async () => {
      const { trust } = (await stand.askEdge()).readiness;
      return trust.state === wanted ? trust : undefined;
    },
    () => `the edge's trust did not become ${wanted}`,
    LIMIT_MS,
  );
  return status.state === "current" ? "" : status.reason.replace(/"http[^"]*" /, "");
}

async function becomes(witness: Witness, wanted: RegExp): Promise<void> {
  let heard = "";
  await waitFor(
    async () => {
      heard = await witness.ask();
      return wanted.test(heard) ? true : undefined;
    },
    () => `the witness is told "${heard}", expected ${wanted}`,
    LIMIT_MS,
  );
}

async function verified(witness: Witness): Promise<Witness> {
  await becomes(witness, /^SUCCESS$/);
  return witness;
}

it("a control plane that is killed is started again, and was missed by nobody", async (test) => {
  const witness = await verified(await stand.createWitness());
  const observation = await observe(stand, test, "control plane: killed, started again");
  const { failed } = await observation.during(async () => {
    stand.killControl();
    const removed = () =>
      witness.remove().then(
        () => true,
        // Deleted while it died, the answer lost
        (error: Error) => /answered 404/.test(error.message) || undefined,
      );
    await waitFor(removed, () => "the control plane did not come back", LIMIT_MS);
    await becomes(witness, /^FAILED/);
  });
  expect(failed).toEqual({});
  await observation.recover("a removal took effect as soon as it was back");
});

it.each<[title: string, fault: ControlFault, heard: RegExp]>([
  [
    "an account has no CA certificates",
    changeDocuments((documents) => documents.map((document) => ({ ...document, caCertificates: [] }))),
    /^FAILED/,
  ],
  [
    "an account is gone",
    changeIndex((accounts) => accounts.filter(({ account }) => account !== OTHER_ACCOUNT)),
    /^421$/,
  ],
])(
  "a control plane that says that %s is believed: nobody of it is verified, and the others are served",
  async (_, fault, heard) => {
    const witness = await verified(await stand.createWitness(OTHER_ACCOUNT));
    stand.controlProxy.switch(fault);
    const nudge = await stand.createWitness(OTHER_ACCOUNT);
    await becomes(witness, heard);
    expect((await stand.askClients()).failed).toEqual({});
    stand.controlProxy.switch(undefined);
    await nudge.remove();
    await becomes(witness, /^SUCCESS$/);
    await witness.remove();
  },
);
