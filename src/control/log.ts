/** What failed inside, one line of JSON each, for the operator. Nothing that a caller sent belongs in it. */

/** What runs after an answer, or behind it, is told by its event; a request that failed also by its id. */
export function logFailure(event: string, error: unknown, requestId?: string): void {
  console.error(JSON.stringify({ event, requestId, reason: describeFailure(error) }));
}

/** Drizzle puts the values of a query into its message; what the database said is the cause. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : (error.stack ?? error.message);
}
