import { expect, it } from "vitest";
import { RUNTIME_MODULE_EXPORTS } from "../../src/contract/runtime-module.ts";
import * as runtime from "../../src/runtime/index.ts";

it("sallyport build knows what the runtime exports, and nothing more", () => {
  expect([...RUNTIME_MODULE_EXPORTS].sort()).toEqual(Object.keys(runtime).sort());
});
