import type { D1Migration } from "cloudflare:test";
import type { ControlEnvironment } from "../../src/control/configuration.ts";

declare global {
  namespace Cloudflare {
    interface Env extends ControlEnvironment {
      TEST_MIGRATIONS: D1Migration[];
      TEST_BOOTSTRAP_KEY: string;
    }
  }
}
