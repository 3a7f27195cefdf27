/** The log of every process of ours: one event a line on standard error. */
import pino, { type DestinationStream, type Logger } from "pino";
import pretty from "pino-pretty";
import type { LogFormat } from "./log-format.ts";

const STANDARD_ERROR = 2;
/** Lines of this time are written together: to write each by itself costs a tenth of what a request does. */
const BATCH_MS = 10;
/** More at once may be written in part, and a process that ends meanwhile loses the rest. */
const BATCH_MAX_CHARACTERS = 12 * 1024;

export function createLogger(format: LogFormat): Logger {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === "json") return pino(options, createBatches());
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

/**
 * Lines are put together here and not by pino's destination, which measures each: that cost a twentieth of what a request
 * does. What is left is written when the process ends, unless it is killed.
 */
function createBatches(): DestinationStream {
  let pending = "";
  let timer: NodeJS.Timeout | undefined;
  // Before the destination's own listener, which writes what it was handed.
  process.on("exit", handOver);
  const destination = pino.destination({ dest: STANDARD_ERROR, sync: false, minLength: BATCH_MAX_CHARACTERS });

  function handOver(): void {
    clearTimeout(timer);
    timer = undefined;
    destination.write(pending);
    pending = "";
  }

  function flush(): void {
    handOver();
    destination.flush();
  }

  return {
    write(line) {
      pending += line;
      if (pending.length >= BATCH_MAX_CHARACTERS) flush();
      else timer ??= setTimeout(flush, BATCH_MS).unref();
    },
  };
}
