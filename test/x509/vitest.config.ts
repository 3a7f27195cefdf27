import { defineNodeProject } from "../node-project.ts";

export default defineNodeProject("x509");
