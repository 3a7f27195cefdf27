import { createServer } from "node:net";
import { expect, it } from "vitest";
import { findFreePort, findPort } from "../../cli/stack/ports.ts";

/** The first that Linux gives to whoever asks for any */
const EPHEMERAL_FROM = 32_768;

it("a free port is none that the system would give to another in the meantime", async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => findFreePort()));
  expect(Math.max(...ports)).toBeLessThan(EPHEMERAL_FROM);
  expect(Math.min(...ports)).toBeGreaterThan(1_023);
});

it("a port that is preferred is taken where it can be had, another where it cannot", async () => {
  const preferred = await findFreePort();
  expect(await findPort(preferred)).toBe(preferred);
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(preferred, "127.0.0.1", resolve));
  expect(await findPort(preferred)).not.toBe(preferred);
  blocker.close();
});
