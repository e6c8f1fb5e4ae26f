"use client";

import { useEffect, useState } from "react";

import { compact, count, dateShort, duration, many, share, usd } from "@/lib/format";
import type { Usage as Told } from "@/lib/shapes";
import { days, daysAgo, hours, series, summed } from "@/lib/sums";
import { Admin } from "@/parts/admin";
import { Bars, Columns } from "@/parts/charts";
import { Tile } from "@/parts/tile";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

const EVERY_MS = 3_000;

export function Usage() {
  return <Admin view="Usage">{(token) => <View token={token} />}</Admin>;
}

function View({ token }: { token: string }) {
  const [span, setSpan] = useState<"24 h" | "30 d">("30 d");
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  const hourly = span === "24 h";
  const from = now === null ? "" : daysAgo(hourly ? 1 : 29, now);
  const to = now === null ? "" : daysAgo(0, now);
  const asking = { bearer: token, query: { from, to, by: `${hourly ? "hour" : "day"},model,provider,user,outcome` } };
  const { data, error } = useAnswer<Told>(now === null ? null : "GET /admin/usage", asking, EVERY_MS);

  if (!data) return error ? <Refusal error={error} retrying /> : <Waiting>Adding up</Waiting>;
  const time = hourly ? "hour" : "day";
  const times = hourly ? hours(24, now ?? 0) : days(data.from, data.to);
  const within = new Set(times);
  const lines = data.data.filter((line) => within.has(line[time] ?? ""));
  const labels = times.map((each) => (hourly ? `${each.slice(11, 13)}:00` : dateShort(each)));
  const head = hourly ? "Hour (UTC)" : "Day (UTC)";
  const calls = lines.reduce((sum, line) => sum + line.calls, 0);
  const attempts = lines.reduce((sum, line) => sum + line.attempts, 0);
  const good = lines.reduce((sum, line) => sum + (line.outcome === "ok" || line.outcome === "cancelled" ? line.attempts : 0), 0);
  const charged = lines.reduce((sum, line) => sum + line.charged, 0);
  const tokens = lines.reduce((sum, line) => sum + line.tokens.total, 0);
  const whole = data.total.latency;

  return (
    <div className="stack">
      {error ? <Refusal error={error} retrying /> : null}
      <div className="row" role="group" aria-label="How far back">
        {(["24 h", "30 d"] as const).map((each) => (
          <button key={each} type="button" className="button quiet slim" aria-pressed={span === each} onClick={() => setSpan(each)}>{each === "24 h" ? "24 hours" : "30 days"}</button>
        ))}
      </div>
      <div className="tiles">
        <Tile name="Calls" value={count(calls)} more={many(attempts, "attempt")} test="calls" />
        <Tile name="Charged" value={usd(charged)} more={`in ${hourly ? "24 hours" : "30 days"}`} test="charged" />
        <Tile name="Tokens" value={compact(tokens)} more={`${count(tokens)} in and out`} />
        <Tile name="Went well" value={share(good, attempts)} more={`${many(attempts - good, "attempt")} did not`} />
        <Tile name="Latency" value={duration(whole.p50_ms)} more={`95 of 100 below ${duration(whole.p95_ms)}`} />
        {data.projection ? <Tile name={`${data.projection.month}, projected`} value={usd(data.projection.projected)} more={`${usd(data.projection.spent)} so far`} /> : null}
      </div>
      <div className="card">
        <Columns title={hourly ? "Calls each hour" : "Calls each day"} head={head} labels={labels} format={count} series={[{ name: "Calls", values: series(lines, times, time, () => "calls", (line) => line.calls)[0]?.values ?? times.map(() => 0) }]} />
      </div>
      <div className="card">
        <Columns title="Tokens by model" note="In and out, cached ones among them." head={head} labels={labels} format={compact} series={series(lines, times, time, (line) => line.model ?? "", (line) => line.tokens.total)} />
      </div>
      <div className="two">
        <div className="card">
          <Bars title="Charged, by user" head="User" format={usd} data={summed(lines, (line) => line.user ?? "", (line) => line.charged)} />
        </div>
        <div className="card">
          <Bars title="Charged, by model" head="Model" format={usd} data={summed(lines, (line) => line.model ?? "", (line) => line.charged)} />
        </div>
      </div>
      <Keys token={token} from={data.from} to={data.to} users={[...new Set(data.data.map((line) => line.user ?? ""))].sort()} />
      <div className="card">
        <Columns title="How attempts ended" head={head} labels={labels} format={count} series={series(lines, times, time, (line) => line.outcome ?? "", (line) => line.attempts)} />
      </div>
    </div>
  );
}

/** What each key of one user was charged. */
function Keys({ token, from, to, users }: { token: string; from: string; to: string; users: string[] }) {
  const [chosen, choose] = useState("");
  const user = users.includes(chosen) ? chosen : (users[0] ?? "");
  const { data, error } = useAnswer<Told>(user ? "GET /admin/usage" : null, { bearer: token, query: { from, to, by: "key", user } }, EVERY_MS * 4);
  if (!users.length) return null;
  return (
    <div className="card">
      <label className="field">
        <span>Keys of</span>
        <select value={user} onChange={(event) => choose(event.target.value)}>{users.map((each) => <option key={each}>{each}</option>)}</select>
      </label>
      {error ? <Refusal error={error} retrying /> : null}
      {data ? <Bars title="Charged, by key" note="Whole days." head="Key" format={usd} data={summed(data.data, (line) => line.key ?? "", (line) => line.charged)} /> : <Waiting />}
    </div>
  );
}
