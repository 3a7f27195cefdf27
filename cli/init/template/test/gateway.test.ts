/** The whole gateway in the Workers runtime, as if the edge were in front of it (docs: sallyport/testing). */
import { exports } from "cloudflare:workers";
import { clientCertificate, noClientCertificate, originMock } from "sallyport/testing";
import { expect, it } from "vitest";

const ISSUER = "{{issuer}}";

it("greets a client by the name in its certificate", async () => {
  const headers = await clientCertificate({ issuer: ISSUER, subject: "CN=billing,O=Example,C=US" });
  const response = await exports.default.fetch("https://localhost/v1/hello", { headers });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe("Hello, CN=billing,O=Example,C=US");
});

it("wants a client certificate", async () => {
  const response = await exports.default.fetch("https://localhost/v1/hello", { headers: await noClientCertificate() });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: "client_certificate_required" });
});

it("refuses a certificate of another CA", async () => {
  const headers = await clientCertificate({ issuer: "CN=someone-else" });
  const response = await exports.default.fetch("https://localhost/v1/hello", { headers });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: "client_certificate_rejected" });
});

it("presents its own certificate to the origin", async () => {
  using origin = originMock("https://origin.example", {
    certificate: "my_origin_cert",
    respond: () => Response.json({ served: true }),
  });
  const headers = await clientCertificate({ issuer: ISSUER });
  const response = await exports.default.fetch("https://localhost/v1/origin/orders?page=1", { headers });
  expect(await response.json()).toEqual({ served: true });
  expect(origin.requests).toMatchObject([
    { method: "GET", url: "https://origin.example/v1/origin/orders?page=1", certificate: "my_origin_cert" },
  ]);
});
