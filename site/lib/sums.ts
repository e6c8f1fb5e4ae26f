/** From the lines of GET /admin/usage to series over time. Nothing is estimated here: what is not there is nothing. */

import type { UsedBy } from "./shapes";

const DAY_MS = 86_400_000;

/** All days from the first to the last, both included, as in the ledger (UTC). */
export function days(from: string, to: string): string[] {
  const found = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) found.push(new Date(at).toISOString().slice(0, 10));
  return found;
}

/** The last `many` hours up to this one, as the roll-ups name them. */
export function hours(many: number, now: number): string[] {
  const last = Math.floor(now / 3_600_000) * 3_600_000;
  return Array.from({ length: many }, (_, place) => new Date(last - (many - 1 - place) * 3_600_000).toISOString().slice(0, 13) + ":00:00Z");
}

export function daysAgo(many: number, now: number): string {
  return new Date(now - many * DAY_MS).toISOString().slice(0, 10);
}

/** One series for each of the largest names, and one for the rest together. */
export function series(lines: UsedBy[], times: string[], time: "day" | "hour", name: (line: UsedBy) => string, value: (line: UsedBy) => number, most = 5) {
  const totals = new Map<string, number>();
  for (const line of lines) totals.set(name(line), (totals.get(name(line)) ?? 0) + value(line));
  const largest = [...totals].sort((one, other) => other[1] - one[1]).map(([each]) => each);
  const shown = largest.length > most + 1 ? largest.slice(0, most) : largest;
  const places = new Map(times.map((each, place) => [each, place]));
  const found = shown.map((each) => ({ name: each, values: times.map(() => 0) }));
  const rest = { name: "others", values: times.map(() => 0) };
  for (const line of lines) {
    const place = places.get(line[time] ?? "");
    if (place === undefined) continue;
    const into = found.find((each) => each.name === name(line)) ?? rest;
    into.values[place] = (into.values[place] ?? 0) + value(line);
  }
  return largest.length > shown.length ? [...found, rest] : found;
}

/** The lines added up by a name. */
export function summed(lines: UsedBy[], name: (line: UsedBy) => string, value: (line: UsedBy) => number) {
  const totals = new Map<string, number>();
  for (const line of lines) totals.set(name(line), (totals.get(name(line)) ?? 0) + value(line));
  return [...totals].map(([each, total]) => ({ name: each, value: total }));
}
