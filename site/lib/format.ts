/** Numbers, money and times as people read them. One locale everywhere, so that pages built and pages shown agree. */

const LOCALE = "en-US";

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const dayShort = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" });

export const NONE = "–";

export function count(value: number | null | undefined): string {
  return value == null ? NONE : whole.format(value);
}

export function compact(value: number): string {
  return value < 1000 ? whole.format(value) : short.format(value);
}

/** USD: cents where there are dollars, as many digits as it takes where there are not. Never rounds something to nothing. */
export function usd(value: number | null | undefined): string {
  if (value == null) return NONE;
  if (value === 0) return "$0.00";
  const size = Math.abs(value);
  const digits = size >= 1 ? 2 : Math.min(9, Math.max(2, 1 - Math.floor(Math.log10(size)) + 1));
  return `${value < 0 ? "−" : ""}$${size.toLocaleString(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: digits })}`;
}

export function share(part: number, all: number): string {
  return all ? percent.format(part / all) : NONE;
}

export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds == null) return NONE;
  if (milliseconds < 1) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 1000) return `${whole.format(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A day in UTC, as in the ledger. */
export function date(moment: string | null | undefined): string {
  return moment ? day.format(new Date(moment)) : NONE;
}

export function dateShort(moment: string): string {
  return dayShort.format(new Date(moment));
}

/** Hours, minutes and seconds, UTC. */
export function time(moment: string): string {
  return clock.format(new Date(moment));
}

export function ago(moment: string, now: number = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Of a plural: `calls(1)` is "1 call". */
export function many(value: number, one: string, more: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`;
}
