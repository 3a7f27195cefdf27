/**
 * What the CLI says, in four verbs: data on standard output, talk on standard error. Nothing else in cli/ writes to
 * either.
 */

/** A failure that a person can act on: one `error:` line, `hint:` lines, exit 1. */
export class CliError extends Error {
  readonly hints: string[];

  constructor(message: string, ...hints: string[]) {
    super(message);
    this.name = "CliError";
    this.hints = hints;
  }
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What was done, for a person who watches. */
export function note(message: string): void {
  process.stderr.write(`sallyport: ${message}\n`);
}

export function warning(message: string): void {
  process.stderr.write(`sallyport: warning: ${message}\n`);
}

export function error(message: string): void {
  process.stderr.write(`sallyport: error: ${message}\n`);
}

export function hint(message: string): void {
  process.stderr.write(`sallyport: hint: ${message}\n`);
}

/** Says what went wrong. The stack of an unexpected error is shown only when `SALLYPORT_DEBUG` is set. */
export function report(failure: unknown): void {
  const message = failure instanceof Error ? failure.message : String(failure);
  error(message.replaceAll("\n", "; "));
  if (failure instanceof CliError) failure.hints.forEach(hint);
  else if (process.env.SALLYPORT_DEBUG && failure instanceof Error) process.stderr.write(`${failure.stack}\n`);
}
