import { defineNodeProject } from "../node-project.ts";

export default defineNodeProject("deploy");
