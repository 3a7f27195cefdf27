/** What the worker writes on the console, instead of on the test's. */
import { afterEach, beforeEach, vi } from "vitest";

export interface LogLine extends Record<string, unknown> {
  level: string;
  requestId: string;
  message: string;
}

/** Lines of each test, parsed; call it once at the top of a file. */
export function captureConsole(): LogLine[] {
  const lines: LogLine[] = [];
  beforeEach(() => {
    lines.length = 0;
    for (const method of ["debug", "info", "warn", "error", "log"] as const) {
      vi.spyOn(console, method).mockImplementation((line: string) => void lines.push(JSON.parse(line)));
    }
  });
  afterEach(() => void vi.restoreAllMocks());
  return lines;
}
