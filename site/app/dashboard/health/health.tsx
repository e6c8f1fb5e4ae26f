"use client";

import { count, date, duration, share } from "@/lib/format";
import type { Health as Told } from "@/lib/shapes";
import { Admin } from "@/parts/admin";
import { Tile } from "@/parts/tile";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

export function Health() {
  return <Admin view="Health">{(token) => <View token={token} />}</Admin>;
}

function View({ token }: { token: string }) {
  const { data, error } = useAnswer<Told>("GET /admin/health", { bearer: token }, 10_000);
  if (!data) return error ? <Refusal error={error} retrying /> : <Waiting>Looking</Waiting>;
  const { candidates, measured, prices, breakers: open, shutdowns, tables } = data;
  return (
    <div className="stack">
      {error ? <Refusal error={error} retrying /> : null}
      <div className="tiles">
        <Tile name="Breakers open" value={count(open.length)} more={`of ${count(candidates)} candidates`} />
        <Tile name="Oldest price" value={`${count(prices.ageDays)} d`} more={`${count(prices.longestDays)} days at most`} />
        <Tile name="Table latency" value={duration(Math.max(...tables.map((each) => each.ms)))} more="the slowest" />
        <Tile name="API latency, p95" value={duration(measured?.apiMs)} more="last hour" />
        <Tile name="Cold starts" value={count(measured?.starts)} more={measured?.startMs == null ? "last hour" : `${duration(measured.startMs)} each`} />
        <Tile name="Failed, 5xx" value={measured?.errors == null ? "–" : share(measured.errors, 1)} more="of requests, last hour" />
      </div>
      {measured ? null : <p className="note">Starts and latencies of the API are CloudWatch’s, which has none of them on this machine.</p>}
      <div className="two">
        <div className="stack">
          <section className="stack tight" aria-labelledby="tables">
            <h2 id="tables">Tables, just now</h2>
            <div className="table" tabIndex={0} role="region" aria-label="Table: tables">
              <table>
                <thead><tr><th scope="col">Table</th><th scope="col" className="n">One read took</th></tr></thead>
                <tbody>{tables.map((each) => <tr key={each.name}><th scope="row">{each.name}</th><td className="n">{duration(each.ms)}</td></tr>)}</tbody>
              </table>
            </div>
          </section>
          <section className="stack tight" aria-labelledby="breakers">
            <h2 id="breakers">Breakers</h2>
            {open.length ? (
              <div className="table" tabIndex={0} role="region" aria-label="Table: breakers">
                <table>
                  <thead><tr><th scope="col">Candidate</th><th scope="col">State</th><th scope="col">Since</th></tr></thead>
                  <tbody>{open.map((each) => <tr key={each.candidate}><th scope="row">{each.candidate}</th><td><span className={`badge ${each.state === "open" ? "bad" : "warn"}`}>{each.state.replace("_", " ")}</span></td><td>{each.since ? each.since.replace("T", " ") : "–"}</td></tr>)}</tbody>
                </table>
              </div>
            ) : <p className="empty">All candidates are asked. Prices are of {prices.version}.</p>}
          </section>
        </div>
        <section className="stack tight" aria-labelledby="ending">
          <h2 id="ending">Models that end</h2>
          {shutdowns.length ? (
            <div className="table" tabIndex={0} role="region" aria-label="Table: models that end">
              <table>
                <thead><tr><th scope="col">Model</th><th scope="col">Last day</th><th scope="col" className="n">In</th></tr></thead>
                <tbody>
                  {shutdowns.map((each) => (
                    <tr key={`${each.provider}/${each.model}`}>
                      <th scope="row">{each.provider}/{each.model}</th>
                      <td>{date(each.shutdown)}</td>
                      <td className="n"><span className={`badge ${each.days < 0 ? "bad" : each.days <= 60 ? "warn" : ""}`}>{each.days < 0 ? "over" : `${count(each.days)} d`}</span></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ) : <p className="empty">None has a last day.</p>}
        </section>
      </div>
    </div>
  );
}
