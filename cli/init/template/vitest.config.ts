import { gatewayTest } from "sallyport/testing/config";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [gatewayTest({ variables: { ALB_BACKEND_URL: "https://origin.example", ALB_MTLS_CERT: "my_origin_cert" } })],
});
