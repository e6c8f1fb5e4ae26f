"use client";

/** Charts in plain SVG: a title, a legend where there is more than one series, a table with the same numbers. */

import { useEffect, useId, useRef, useState, type ReactNode } from "react";

export interface Series {
  name: string;
  values: number[];
}

interface Common {
  title: string;
  note?: string | undefined;
  /** The numbers as text, on the axis and in the table. */
  format: (value: number) => string;
}

const HEIGHT = 210;
const LEFT = 58;
const BOTTOM = 24;
const TOP = 10;
const COLOURS = 6;

/** Stacked columns over time: one place for each of `labels`. */
export function Columns({ title, note, format, labels, head, series }: Common & { labels: string[]; head: string; series: Series[] }) {
  const [frame, width] = useWidth();
  const sums = labels.map((_, place) => series.reduce((sum, each) => sum + (each.values[place] ?? 0), 0));
  const marks = ticks(Math.max(...sums, 0));
  const top = marks.at(-1) || 1;
  const slot = (width - LEFT) / Math.max(labels.length, 1);
  const high = HEIGHT - TOP - BOTTOM;
  const every = Math.ceil(labels.length / Math.max(2, Math.floor((width - LEFT) / 72)));
  const y = (value: number) => TOP + high - (value / top) * high;
  const id = useId();
  return (
    <figure className="chart" aria-labelledby={id}>
      <Caption id={id} title={title} note={note} />
      {series.length > 1 ? <Legend names={series.map((each) => each.name)} /> : null}
      <div ref={frame}>
        <svg viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={`${title}. The table below has the numbers.`}>
          {marks.map((mark) => (
            <g key={mark}>
              <line className="axis" x1={LEFT} x2={width} y1={y(mark)} y2={y(mark)} />
              <text className="tick" x={LEFT - 8} y={y(mark) + 4} textAnchor="end">{format(mark)}</text>
            </g>
          ))}
          {labels.map((label, place) => {
            let base = 0;
            return (
              <g key={label} className="bar">
                <title>{`${label}: ${format(sums[place] ?? 0)}`}</title>
                {series.map((each, number) => {
                  const value = each.values[place] ?? 0;
                  if (!value) return null;
                  const from = base;
                  base += value;
                  const height = Math.max(y(from) - y(base), 0.75);
                  const thick = Math.min(Math.max(slot * 0.72, 1.5), 46);
                  return <rect key={each.name} className={colour(number)} x={LEFT + slot * place + (slot - thick) / 2} width={thick} y={y(from) - height} height={height} rx={Math.min(2, thick / 4)} />;
                })}
                {place % every === 0 ? <text className="tick" x={LEFT + slot * (place + 0.5)} y={HEIGHT - 6} textAnchor="middle">{label}</text> : null}
              </g>
            );
          })}
        </svg>
      </div>
      <AsTable
        title={title}
        head={[head, ...series.map((each) => each.name), ...(series.length > 1 ? ["All"] : [])]}
        rows={labels.map((label, place) => [label, ...series.map((each) => format(each.values[place] ?? 0)), ...(series.length > 1 ? [format(sums[place] ?? 0)] : [])])}
      />
    </figure>
  );
}

/** One bar for each name, the longest first. */
export function Bars({ title, note, format, head, data }: Common & { head: string; data: { name: string; value: number; more?: string }[] }) {
  const [frame, width] = useWidth();
  const sorted = [...data].sort((one, other) => other.value - one.value);
  const most = Math.max(...sorted.map((each) => each.value), 0) || 1;
  const id = useId();
  const line = 40;
  return (
    <figure className="chart" aria-labelledby={id}>
      <Caption id={id} title={title} note={note} />
      <div ref={frame}>
        <svg viewBox={`0 0 ${width} ${Math.max(sorted.length, 1) * line}`} role="img" aria-label={`${title}. The table below has the numbers.`}>
          {sorted.map((each, place) => (
            <g key={each.name} className="bar">
              <title>{`${each.name}: ${format(each.value)}`}</title>
              <text className="tick" x={0} y={place * line + 13}>{each.name}</text>
              <text className="tick" x={width} y={place * line + 13} textAnchor="end">{format(each.value)}</text>
              <rect className="s1" x={0} y={place * line + 20} width={Math.max((each.value / most) * width, each.value ? 2 : 0)} height={9} rx={3} />
            </g>
          ))}
        </svg>
      </div>
      <AsTable title={title} head={[head, "Value"]} rows={sorted.map((each) => [each.name, format(each.value)])} />
    </figure>
  );
}

/** How much of a limit is spent, and held for calls in flight. */
export function Meter({ spent, held, limit, label }: { spent: number; held: number; limit: number; label: string }) {
  const part = limit ? spent / limit : 1;
  const place = (value: number) => Math.min(value / (limit || 1), 1) * 100;
  return (
    <svg className={`meter ${part >= 1 ? "bad" : part >= 0.8 ? "warn" : ""}`} viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect className="rail" width="100" height="10" rx="2" />
      <rect className="held" width={place(spent + held)} height="10" rx="2" />
      <rect className="spent" width={place(spent)} height="10" rx="2" />
    </svg>
  );
}

function Caption({ id, title, note }: { id: string; title: string; note?: string | undefined }) {
  return (
    <figcaption>
      <h2 id={id}>{title}</h2>
      {note ? <p className="small soft">{note}</p> : null}
    </figcaption>
  );
}

function Legend({ names }: { names: string[] }) {
  return (
    <ul className="legend">
      {names.map((name, number) => (
        <li key={name}>
          <svg viewBox="0 0 12 12" aria-hidden="true"><rect className={colour(number)} width="12" height="12" rx="3" /></svg>
          {name}
        </li>
      ))}
    </ul>
  );
}

function AsTable({ title, head, rows }: { title: string; head: string[]; rows: ReactNode[][] }) {
  return (
    <details>
      <summary>Show as table</summary>
      <div className="table" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
        <table>
          <thead>
            <tr>{head.map((name, place) => <th key={name} scope="col" className={place ? "n" : ""}>{name}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, number) => (
              <tr key={number}>{row.map((cell, place) => (place ? <td key={place} className="n">{cell}</td> : <th key={place} scope="row">{cell}</th>))}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function colour(number: number): string {
  return `s${(number % COLOURS) + 1}`;
}

/** Round numbers from 0 to the first that is not below `most`: three to five of them. */
export function ticks(most: number): number[] {
  if (most <= 0) return [0, 1];
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const found = [];
  for (let number = 0; number * step < most + step; number += 1) found.push(Number((number * step).toPrecision(12)));
  return found;
}

/** The width that a chart is drawn in, so that its letters keep their size on every screen. */
function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const watching = new ResizeObserver(([entry]) => entry && setWidth(Math.max(Math.round(entry.contentRect.width), 240)));
    if (frame.current) watching.observe(frame.current);
    return () => watching.disconnect();
  }, []);
  return [frame, width] as const;
}
