/** The log of every process of ours: one event a line on standard error. */
import pino, { type DestinationStream, type Logger } from "pino";
import pretty from "pino-pretty";
import type { LogFormat } from "./log-format.ts";

const STANDARD_ERROR = 2;
/** Lines of this time are written together: to write each by itself costs a tenth of what a request does. */
const BATCH_MS = 10;
const BATCH_MAX_BYTES = 8 * 1024;

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

/** pino writes what is left when the process ends, unless it is killed. */
function createBatches(): DestinationStream {
  const destination = pino.destination({ dest: STANDARD_ERROR, sync: false, minLength: BATCH_MAX_BYTES });
  let isWaiting = false;
  const flush = () => {
    isWaiting = false;
    destination.flush();
  };
  return {
    write(line) {
      destination.write(line);
      if (isWaiting) return;
      isWaiting = true;
      setTimeout(flush, BATCH_MS).unref();
    },
  };
}
