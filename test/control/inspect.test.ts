import { describe, expect, it } from "vitest";
import { inspectCaCertificate } from "../../src/control/ca-certificates/inspect.ts";
import { pemOf } from "./support.ts";

const refusalOf = async (text: string, now: Date) => {
  const inspection = await inspectCaCertificate(text, now);
  return inspection.ok ? undefined : inspection.refusal.code;
};

describe("inspecting a CA certificate", () => {
  it("lets its last second pass, and not the one after it", async () => {
    const inspection = await inspectCaCertificate(pemOf("root"), new Date());
    const notAfter = new Date(inspection.ok ? inspection.inspected.notAfter : Number.NaN);
    expect(await refusalOf(pemOf("root"), notAfter)).toBeUndefined();
    expect(await refusalOf(pemOf("root"), new Date(notAfter.getTime() + 1000))).toBe("certificate_expired");
  });

  it("prints hostile names in one line of ASCII", async () => {
    const inspection = await inspectCaCertificate(pemOf("hostile"), new Date());
    expect(inspection.ok && inspection.inspected.subject).toMatch(/^[\x20-\x7e]+$/);
  });

  it("answers a long file in time and without an exception", async () => {
    for (const piece of ["-----BEGIN CERTIFICATE-----\n", "MIIB", "-----BEGIN ", "\n", "A=", "0\u0080"]) {
      expect(await refusalOf(piece.repeat(20_000), new Date())).toBeDefined();
    }
  });
});
