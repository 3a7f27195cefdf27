/** Times of certificates: UTCTime and GeneralizedTime as RFC 5280, section 4.1.2.5, allows them, and OpenSSL's text. */
import { decodeLatin1 } from "./attribute-value.ts";
import { type DerElement, DerError, DerTag } from "./der.ts";

const UTC_TIME = /^[0-9]{12}Z$/;
const GENERALIZED_TIME = /^[0-9]{14}Z$/;

/** @throws DerError for fractions, offsets, missing seconds and dates that no calendar has */
export function decodeTime(element: DerElement | undefined, what: string): Date {
  const digits = element === undefined ? undefined : readDigits(element);
  if (digits === undefined) throw new DerError(`${what} is not a time`);
  const at = (start: number, end: number) => Number(digits.slice(start, end));
  const [year, month, day, hours, minutes, seconds] = [at(0, 4), at(4, 6), at(6, 8), at(8, 10), at(10, 12), at(12, 14)];
  const time = new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds));
  // Date carries the 30th of February over into March, and takes the year 99 for 1999
  const isInCalendar =
    time.getUTCFullYear() === year &&
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hours &&
    time.getUTCMinutes() === minutes &&
    seconds < 60;
  if (!isInCalendar) throw new DerError(`${what} is not in the calendar`);
  return time;
}

/** YYYYMMDDHHMMSS; in a UTCTime the years 50 to 99 are of the twentieth century. */
function readDigits({ tag, content }: DerElement): string | undefined {
  const text = decodeLatin1(content);
  if (tag === DerTag.generalizedTime) return GENERALIZED_TIME.test(text) ? text.slice(0, -1) : undefined;
  if (tag !== DerTag.utcTime || !UTC_TIME.test(text)) return undefined;
  return (text < "50" ? "20" : "19") + text.slice(0, -1);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Mar 21 13:35:00 2022 GMT`, the day padded with a space (`Mar  1 …`) as OpenSSL prints it. */
export function formatOpensslTime(time: Date): string {
  const clock = time.toISOString().slice(11, 19);
  const day = String(time.getUTCDate()).padStart(2, " ");
  return `${MONTHS[time.getUTCMonth()]} ${day} ${clock} ${time.getUTCFullYear()} GMT`;
}
