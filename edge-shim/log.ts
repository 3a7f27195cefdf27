/** The log of every process of ours: one event a line on standard error. */
import pino, { type Logger } from "pino";
import pretty from "pino-pretty";
import type { LogFormat } from "./log-format.ts";

const STANDARD_ERROR = 2;

export function createLogger(format: LogFormat): Logger {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === "json") return pino(options, pino.destination({ dest: STANDARD_ERROR, sync: false }));
  const stream = pretty({
    destination: STANDARD_ERROR,
    sync: true,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
    ignore: "event",
    hideObject: false,
  });
  return pino(options, stream);
}
