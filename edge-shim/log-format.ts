/** How log events are written: apart from log.ts, so that reading flags does not load a logger. */
export const LOG_FORMATS = ["pretty", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
