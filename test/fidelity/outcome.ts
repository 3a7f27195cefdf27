/** What came back from a host, as far as it must be the same from every host. */
import type { IncomingHttpHeaders } from "node:http";

export interface Outcome {
  status: number;
  headers: Record<string, string>;
  /** Parsed where it is JSON */
  body: unknown;
}

/** Of the connection and of the moment */
const PASSING_HEADERS = ["date", "connection", "keep-alive", "transfer-encoding", "content-length", "sallyport-route"];
const ID_HEADERS = ["sallyport-request-id", "zp-rid"];
const REQUEST_ID = /^[0-9A-Za-z-]{16,64}$/;

export function createOutcome(status: number, headers: IncomingHttpHeaders, body: string): Outcome {
  const kept = Object.entries(headers).filter(([name]) => !PASSING_HEADERS.includes(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, normalizeHeader(name, String(value))]).sort()),
    body: normalizeBody(body),
  };
}

/** An id that is missing or malformed stays what it is, and differs. */
function normalizeHeader(name: string, value: string): string {
  return ID_HEADERS.includes(name) && REQUEST_ID.test(value) ? "<id>" : value;
}

function normalizeBody(text: string): unknown {
  try {
    return JSON.parse(text, normalizeMember);
  } catch {
    return text;
  }
}

/**
 * What the way to a host, or from it to an origin, puts among the headers: proxies tell who asked, wrangler's takes compressed
 * answers, workerd says that a worker sent it. Everything else has to be alike.
 */
const HEADERS_OF_THE_WAY = /^(?:x-forwarded-|cf-|mf-|true-client-ip$|x-real-ip$|accept-encoding$|connection$)/;
/** Given by a control plane, at random */
const UPLOAD_ID = /\b(mtlsca|cert)_\w+/g;
const STACK_LINES = /\n {4}at .*/g;

function normalizeMember(this: unknown, name: string, value: unknown): unknown {
  if (name === "headers" && isRecord(value)) {
    return Object.fromEntries(Object.entries(value).filter(([header]) => !HEADERS_OF_THE_WAY.test(header)));
  }
  if (typeof value !== "string") return value;
  if (name === "timestamp" && !Number.isNaN(Date.parse(value))) return "<timestamp>";
  if (name === "requestId" && REQUEST_ID.test(value)) return "<id>";
  if (name === "reason" || name === "hint") return value.replace(UPLOAD_ID, "<id>").replace(STACK_LINES, "");
  return value;
}

/** Paths at which two outcomes differ, with both values. */
export function findDifferences(expected: unknown, found: unknown, path = ""): string[] {
  if (isRecord(expected) && isRecord(found)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
    return [...names].flatMap((name) => findDifferences(expected[name], found[name], path ? `${path}.${name}` : name));
  }
  if (JSON.stringify(expected) === JSON.stringify(found)) return [];
  return [`${path}: ${show(expected)} ≠ ${show(found)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const SHOWN_CHARACTERS = 160;

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, SHOWN_CHARACTERS);
}

/**
 * The decision in words: `401 client_certificate_required`, `200 verified`, `200 as CN=gateway` for an origin that says whose
 * certificate it saw.
 */
export function summarize({ status, body }: Outcome): string {
  if (!isRecord(body)) return String(status);
  const { code, user, clientCertificate } = body;
  if (typeof code === "string") return `${status} ${code}`;
  if (isRecord(clientCertificate)) return `${status} as ${clientCertificate.subject}`;
  if (user === undefined) return String(status);
  const mtlsAuth = isRecord(user) && isRecord(user.data) ? user.data.mtlsAuth : undefined;
  if (!isRecord(mtlsAuth)) return `${status} anonymous`;
  return `${status} ${mtlsAuth.verified === true ? "verified" : "unverified"}`;
}
