/** Origins that are not there: what the gateway sends them, with which certificate, and what they answer. */
import { addMock, EgressFailure } from "./outbound.ts";

export interface OriginMockOptions {
  /**
   * Name of the mTLS certificate that this origin wants to see: with another one, or with none, the handshake fails as it
   * would at a real one. Without it any client is served.
   */
  certificate?: string;
  /** Default: 200 without a body */
  respond?: (request: Request, presented: { certificate: string | undefined }) => Response | Promise<Response>;
}

/** A request as the origin got it. */
export interface OriginRequest {
  /** Name of the mTLS certificate that was presented; undefined for a request without one */
  certificate: string | undefined;
  method: string;
  url: string;
  /** Names in lower case */
  headers: Record<string, string>;
  body: string;
}

export interface OriginMock extends Disposable {
  /** In the order in which they came; those whose handshake failed are not among them */
  readonly requests: readonly OriginRequest[];
}

/**
 * Answers for `origin` until it is disposed of, whether a request presents a certificate or not.
 *
 * @throws TypeError when `origin` is more or less than scheme, host and port
 * @example
 * using alb = originMock("https://alb.example", { certificate: "aws_alb", respond: () => Response.json({ ok: true }) });
 * await exports.default.fetch("https://localhost/v1/orders", { headers: await clientCertificate() });
 * expect(alb.requests).toMatchObject([{ method: "GET", url: "https://alb.example/v1/orders", certificate: "aws_alb" }]);
 */
export function originMock(origin: string, options: OriginMockOptions = {}): OriginMock {
  const url = URL.parse(origin);
  if (url === null || url.origin === "null" || `${url.origin}/` !== url.href) {
    throw new TypeError(`"${origin}" is not an origin, expected like https://alb.example`);
  }
  const { certificate: wanted, respond = () => new Response() } = options;
  const requests: OriginRequest[] = [];
  const registration = addMock(url.origin, async (request, certificate) => {
    if (wanted !== undefined && certificate !== wanted) throw refuseHandshake(url.origin, wanted, certificate);
    requests.push(await describeRequest(request.clone(), certificate));
    return respond(request, { certificate });
  });
  return { requests, [Symbol.dispose]: () => registration[Symbol.dispose]() };
}

function refuseHandshake(origin: string, wanted: string, found: string | undefined): EgressFailure {
  return new EgressFailure(
    "origin_client_certificate_rejected",
    `the mock of ${origin} got ${found === undefined ? "no mTLS certificate" : `the mTLS certificate "${found}"`}, expected "${wanted}"`,
    "name that certificate in the route or in the fetch of the module",
  );
}

async function describeRequest(request: Request, certificate: string | undefined): Promise<OriginRequest> {
  const { method, url, headers } = request;
  return { certificate, method, url, headers: Object.fromEntries(headers), body: await request.text() };
}
