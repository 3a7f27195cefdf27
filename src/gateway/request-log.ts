/** `context.log`: one JSON line a call on the console, with the ids of request and trace. A message cannot break out of its line. */
import type { Logger } from "../runtime/context.ts";

type Level = "debug" | "info" | "warn" | "error" | "log";

/** @param traceId undefined where spans are not recorded */
export function createRequestLog(requestId: string, traceId: string | undefined): Logger {
  const properties: Record<string, unknown> = {};

  function write(level: Level, messages: readonly unknown[]): void {
    const texts = messages.filter((message) => typeof message === "string");
    const data = messages.filter((message) => typeof message !== "string");
    console[level](
      encodeLine({
        ...properties,
        level: level === "log" ? "info" : level,
        time: new Date().toISOString(),
        requestId,
        traceId,
        message: texts.join(" "),
        ...(data.length > 0 && { data: data.length === 1 ? data[0] : data }),
      }),
    );
  }

  return {
    debug: (...messages) => write("debug", messages),
    info: (...messages) => write("info", messages),
    warn: (...messages) => write("warn", messages),
    error: (...messages) => write("error", messages),
    log: (...messages) => write("log", messages),
    setLogProperties: (added) => {
      Object.assign(properties, added);
    },
  };
}

/** Logging never throws: what JSON cannot express (a cycle, a getter that fails) is named instead. */
function encodeLine(line: Record<string, unknown>): string {
  try {
    return JSON.stringify(line, replaceValue);
  } catch (error) {
    const { level, time, requestId, message } = line;
    return JSON.stringify({ level, time, requestId, message, data: `not JSON: ${String(error)}` });
  }
}

function replaceValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause !== undefined && { cause }) };
}
