import { defineNodeProject } from "../node-project.ts";
import { RUNS_FACTOR } from "./global-setup.ts";

// Far above what the usual number of runs takes: ends what no longer ends.
export default defineNodeProject("fuzz", { globalSetup: ["global-setup.ts"], testTimeout: 120_000 * RUNS_FACTOR });
