import { describe, expect, it } from "vitest";
import { createVerifiedAssertions } from "../../src/gateway/verified-assertions.ts";

describe("the map of verified assertions", () => {
  it("stays bounded in entries under a flood and keeps the newest", () => {
    const verified = createVerifiedAssertions<number>({ maxEntries: 100, maxCharacters: 1_000_000 });
    for (let index = 0; index < 10_000; index++) verified.set(`token-${index}`, index);
    expect(verified.size).toBe(100);
    expect(verified.get("token-9999")).toBe(9999);
    expect(verified.get("token-9899")).toBeUndefined();
  });

  it("stays bounded in characters", () => {
    const verified = createVerifiedAssertions<number>({ maxEntries: 100, maxCharacters: 1_000 });
    for (let index = 0; index < 100; index++) verified.set(`${index}-`.padEnd(300, "x"), index);
    expect(verified.size).toBe(3);
    expect(verified.characters).toBe(900);
  });

  it("does not take a token that is larger than all it may hold", () => {
    const verified = createVerifiedAssertions<number>({ maxEntries: 100, maxCharacters: 10 });
    verified.set("short", 1);
    verified.set("x".repeat(11), 2);
    expect([verified.size, verified.get("short")]).toEqual([1, 1]);
  });

  it("counts a token that is set twice once", () => {
    const verified = createVerifiedAssertions<number>({ maxEntries: 100, maxCharacters: 10 });
    verified.set("token", 1);
    verified.set("token", 2);
    expect([verified.characters, verified.get("token")]).toEqual([5, 2]);
    verified.delete("token");
    expect([verified.characters, verified.size]).toEqual([0, 0]);
  });
});
