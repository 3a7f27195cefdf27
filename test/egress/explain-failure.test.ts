/** From what Node, OpenSSL and undici throw to a code and words, where no socket can be made to throw it. */

import fc from "fast-check";
import { errors } from "undici";
import { describe, expect, it } from "vitest";
import { explainFailure } from "../../edge-shim/egress/failure.ts";
import { findAlert } from "../../edge-shim/egress/tls-alert.ts";
import { EGRESS_FAILURE_CODES } from "../../src/contract/egress.ts";

const NOW_MS = Date.parse("2026-01-01T00:00:00Z");
const certificate = { id: "cert_1", name: "gateway", validTo: new Date(NOW_MS + 1) };
const explain = (error: unknown, validTo = certificate.validTo) =>
  explainFailure(error, { origin: "https://api.test", certificate: { ...certificate, validTo }, nowMs: NOW_MS });

const coded = (code: string, message = "message") => Object.assign(new Error(message), { code });

it.each([
  ["ENOTFOUND", "origin_unreachable", "DNS"],
  ["EAI_AGAIN", "origin_unreachable", "DNS"],
  ["ENODATA", "origin_unreachable", "DNS"],
  ["ECONNREFUSED", "origin_unreachable", "refused the connection"],
  ["EHOSTUNREACH", "origin_unreachable", "no route"],
  ["ENETUNREACH", "origin_unreachable", "no route"],
  ["EADDRNOTAVAIL", "origin_unreachable", "no route"],
  ["ETIMEDOUT", "origin_timeout", "took too long"],
  ["UND_ERR_CONNECT_TIMEOUT", "origin_timeout", "took too long"],
  ["UND_ERR_HEADERS_TIMEOUT", "origin_timeout", "sent no response"],
  ["UND_ERR_BODY_TIMEOUT", "origin_timeout", "fell silent"],
  ["CERT_REVOKED", "origin_certificate_untrusted", "is revoked"],
  ["CERT_SIGNATURE_FAILURE", "origin_certificate_untrusted", "does not verify"],
  ["INVALID_CA", "origin_certificate_untrusted", "no CA"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "origin_certificate_untrusted", "not known here"],
  ["HOSTNAME_MISMATCH", "origin_certificate_untrusted", "other host names"],
  ["ERR_SSL_NO_SHARED_CIPHER", "origin_tls_failed", "handshake"],
  ["EPIPE", "origin_unreachable", "closed the connection"],
])("%s is %s", (code, expected, reason) => {
  expect(explain(coded(code))).toMatchObject({ code: expected, reason: expect.stringContaining(reason) });
});

describe("of several addresses that failed", () => {
  it("the first speaks for all", () => {
    expect(explain(new AggregateError([coded("ECONNREFUSED"), coded("ETIMEDOUT")])).reason).toContain("refused");
  });

  it("those that this machine has no way to say nothing about the origin", () => {
    const tried = [coded("ENETUNREACH"), coded("EADDRNOTAVAIL"), coded("ECONNREFUSED")];
    expect(explain(new AggregateError(tried)).reason).toContain("refused");
    expect(explain(new AggregateError(tried.slice(0, 2))).reason).toContain("no route");
  });
});

it("a wrapped error speaks for itself where the wrapping says nothing", () => {
  const wrapped = new Error("fetch failed", { cause: new Error("request failed", { cause: coded("ECONNREFUSED") }) });
  expect(explain(wrapped).reason).toContain("refused");
  expect(
    explain(Object.assign(new errors.SocketError("other side closed"), { cause: coded("ENOTFOUND") })).reason,
  ).toContain("UND_ERR_SOCKET");
});

it("an expired certificate of ours is only blamed when an alert is about it", () => {
  const past = new Date(NOW_MS - 1);
  const alert = coded("ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED", "…:SSL alert number 45\n");
  expect(explain(alert, past).hint).toContain(`expired on ${past.toISOString()}`);
  expect(explain(alert).hint).not.toContain("expired");
  expect(explain(coded("ERR_SSL_ALERT", "SSL alert number 40"), past).hint).not.toContain("expired");
});

it("an alert that nobody knows is still told by its number", () => {
  expect(explain(coded("ERR_SSL_X", "SSL alert number 200"))).toMatchObject({
    code: "origin_tls_failed",
    reason: expect.stringContaining("unknown (200)"),
  });
});

it("finds an alert's number in OpenSSL's words only", () => {
  expect(findAlert(new Error("SSL alert number 48"))).toBe(48);
  expect(findAlert(new Error("alert 48"))).toBeUndefined();
});

it("always gives a code that the worker knows, a reason, and a hint, whatever was thrown", () => {
  const thrown = fc.oneof(
    fc.constantFrom(undefined, null, 0, {}),
    fc.string(),
    fc.tuple(fc.string(), fc.string()).map(([code, message]) => coded(code, message)),
    fc.array(fc.string().map((code) => coded(code))).map((list) => new AggregateError(list)),
    fc.string().map((message) => new Error(message, { cause: coded("ERR_SSL_X", message) })),
  );
  const property = fc.property(thrown, (error) => {
    const { code, reason, hint } = explain(error);
    expect(EGRESS_FAILURE_CODES).toContain(code);
    expect(reason.length).toBeGreaterThan(0);
    expect(hint.length).toBeGreaterThan(0);
  });
  fc.assert(property, { numRuns: 1_000 });
});
