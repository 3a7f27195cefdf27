import { describe, expect, it } from "vitest";
import { z } from "zod";
import { callWith } from "./support.ts";

const anybody = callWith(undefined);

const documentSchema = z.object({
  openapi: z.literal("3.1.0"),
  paths: z.record(z.string(), z.record(z.string(), z.object({ summary: z.string(), responses: z.looseObject({}) }))),
  components: z.object({ schemas: z.record(z.string(), z.unknown()), securitySchemes: z.looseObject({}) }),
});

describe("the documentation", () => {
  it("is OpenAPI 3.1 with every route of the contract", async () => {
    const { paths, components } = documentSchema.parse((await anybody("GET", "/openapi.json")).body);
    const account = "/v1/accounts/{account}";
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        "/v1/who-am-i",
        "/v1/accounts",
        `${account}/projects`,
        `${account}/api-keys`,
        `${account}/ca-certificates`,
        `${account}/ca-certificates/{id}`,
        `${account}/projects/{project}/mtls-certificates`,
        `${account}/projects/{project}/mtls-certificates/{id}`,
        `${account}/projects/{project}/mtls-certificates/{id}/disable`,
        `${account}/projects/{project}/origin-cas/{id}`,
        `${account}/custom-domains`,
        `${account}/custom-domains/{hostname}`,
        `${account}/custom-domains/{hostname}/verify`,
        `${account}/audit-log`,
        "/v1/edge/bundle",
      ]),
    );
    expect(Object.keys(components.schemas)).toContain("CaCertificate");
  });

  it("says of every route what it answers to a caller without a key", async () => {
    const { paths } = documentSchema.parse((await anybody("GET", "/openapi.json")).body);
    const operations = Object.values(paths).flatMap((item) => Object.values(item));
    expect(operations.every(({ responses }) => "401" in responses)).toBe(true);
  });

  it("is a page that loads nothing from elsewhere", async () => {
    const page = await anybody("GET", "/docs");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.text).toContain("/v1/accounts/{account}/ca-certificates");
    expect(page.text).toContain("Upload a CA certificate");
    expect(page.text).not.toMatch(/<script|<link|src=|@import|url\(/);
  });
});
