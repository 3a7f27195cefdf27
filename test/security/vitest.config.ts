import { defineNodeProject } from "../node-project.ts";

/** The catalogue of failures that broke others (README.md): attacks through real sockets against a running stack. */
export default defineNodeProject("security", { globalSetup: ["./global-setup.ts"] });
