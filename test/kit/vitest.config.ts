import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { gatewayTest } from "../../testing/config/index.ts";
import { MAX_WORKERS } from "../node-project.ts";

/** The example project, as its owner would test it: with the kit that the package has. */
export default defineConfig({
  plugins: [
    gatewayTest({
      project: fileURLToPath(new URL("../../", import.meta.url)),
      variables: { ALB_BACKEND_URL: "https://alb.example", ALB_MTLS_CERT: "aws_alb_cert" },
    }),
  ],
  test: {
    name: "kit",
    include: [fileURLToPath(new URL("./**/*.test.ts", import.meta.url))],
    maxWorkers: MAX_WORKERS,
  },
});
