import { defineNodeProject } from "../node-project.ts";

// Most of the time is spent waiting for commands; no test changes what another one sees.
export default defineNodeProject("explain", { sequence: { concurrent: true } });
