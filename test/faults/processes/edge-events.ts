/** Under this name edge-process.ts counts requests whose answer was not whole; other events have the log's names. */
export const INCOMPLETE = "request incomplete";
