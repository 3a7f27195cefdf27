/**
 * The id of a request: it joins the log lines of ingress, worker and egress, and answers carry it. It goes into headers and
 * log lines, so whoever takes it from somebody else looks at its form first.
 */

const REQUEST_ID = /^[A-Za-z0-9_-]{1,128}$/;

export function isRequestId(text: string): boolean {
  return REQUEST_ID.test(text);
}
