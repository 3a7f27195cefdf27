import { defineNodeProject } from "../node-project.ts";

/** The program as a user starts it: real processes, real `wrangler dev`, curl and openssl. */
export default defineNodeProject("system");
