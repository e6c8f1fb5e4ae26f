"use client";

import { ago, count, duration, time, usd } from "@/lib/format";
import type { Live as Told } from "@/lib/shapes";
import { Admin } from "@/parts/admin";
import { Status } from "@/parts/status";
import { Tile } from "@/parts/tile";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

export function Live() {
  return <Admin view="Live">{(token) => <View token={token} />}</Admin>;
}

function View({ token }: { token: string }) {
  const { data, error } = useAnswer<Told>("GET /admin/live", { bearer: token }, 3_000);
  if (!data) return error ? <Refusal error={error} retrying /> : <Waiting>Looking</Waiting>;
  const { latency, queue, runs, errors } = data;
  return (
    <div className="stack">
      {error ? <Refusal error={error} retrying /> : <p className="small soft">As of {time(data.asOf)} UTC, anew every three seconds.</p>}
      <div className="tiles">
        <Tile name="Runs at work" value={count(runs.filter((each) => each.status === "running").length)} more={`${count(runs.filter((each) => each.status === "awaiting_approval").length)} wait for a person`} />
        <Tile name="Calls in flight" value={count(queue.calls)} more="hold money now" />
        <Tile name="Tools asked for" value={count(queue.tools)} more="not answered yet" />
        <Tile name="p50" value={duration(latency.p50_ms)} more={`of ${count(latency.attempts)} attempts`} />
        <Tile name="p95" value={duration(latency.p95_ms)} more="this hour and the one before" />
        <Tile name="p99" value={duration(latency.p99_ms)} more="within 10 %" />
      </div>
      <section className="stack tight" aria-labelledby="at-work">
        <h2 id="at-work">Agents at work</h2>
        {runs.length ? (
          <div className="table" tabIndex={0} role="region" aria-label="Table: agents at work">
            <table>
              <thead><tr><th scope="col">Kind</th><th scope="col">User</th><th scope="col">Status</th><th scope="col" className="n">Cost</th><th scope="col" className="n">Began</th><th scope="col">Run</th></tr></thead>
              <tbody>
                {runs.map((run) => (
                  <tr key={run.runId}>
                    <th scope="row">{run.type.replace(/_/g, " ")}</th>
                    <td>{run.userId}</td>
                    <td><Status of={run.status} /></td>
                    <td className="n">{usd(run.cost)}</td>
                    <td className="n">{ago(run.createdAt)}</td>
                    <td><code>{run.runId}</code></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : <p className="empty">No agent is at work.</p>}
      </section>
      <section className="stack tight" aria-labelledby="errors">
        <h2 id="errors">What went wrong, today and yesterday</h2>
        {errors.length ? (
          <div className="table" tabIndex={0} role="region" aria-label="Table: what went wrong">
            <table>
              <thead><tr><th scope="col">Hour (UTC)</th><th scope="col">Model</th><th scope="col">What came of it</th><th scope="col" className="n">Attempts</th></tr></thead>
              <tbody>
                {errors.map((each) => (
                  <tr key={`${each.hour}${each.provider}${each.model}${each.outcome}`}>
                    <th scope="row">{each.hour.slice(0, 10)} {each.hour.slice(11, 13)}:00</th>
                    <td>{each.provider}/{each.model}</td>
                    <td><span className="badge bad">{each.outcome}</span></td>
                    <td className="n">{count(each.attempts)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : <p className="empty">Nothing.</p>}
      </section>
    </div>
  );
}
