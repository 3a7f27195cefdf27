const POLL_MS = 100;

/** Polls until `probe` says something; what a person does who looks again. Undefined when it never did. */
export async function waitUntil<Value>(
  probe: () => Value | undefined | Promise<Value | undefined>,
  timeoutMs: number,
): Promise<Value | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
