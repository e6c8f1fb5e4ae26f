"use client";

import { count, date, many, share, usd } from "@/lib/format";
import type { Budgets as Told, Window } from "@/lib/shapes";
import { Admin } from "@/parts/admin";
import { Meter } from "@/parts/charts";
import { Tile } from "@/parts/tile";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

export function Budgets() {
  return <Admin view="Budgets">{(token) => <View token={token} />}</Admin>;
}

function View({ token }: { token: string }) {
  const { data, error } = useAnswer<Told>("GET /admin/budgets", { bearer: token }, 5_000);
  if (!data) return error ? <Refusal error={error} retrying /> : <Waiting>Adding up</Waiting>;
  const limited = data.accounts.flatMap(({ account, windows }) =>
    Object.values(windows).flatMap((window) => (window.limit === null ? [] : [{ account, window, limit: window.limit }])),
  );
  const tight = limited.filter(({ window }) => window.alerts.length);
  const projected = data.projections.reduce((sum, each) => sum + each.projected, 0);
  const { own, platform } = data.byok;
  return (
    <div className="stack">
      {error ? <Refusal error={error} retrying /> : null}
      <div className="tiles">
        <Tile name="Limits" value={count(limited.length)} more={`on ${many(new Set(limited.map(({ account }) => account)).size, "account")}`} />
        <Tile name="Past half" value={count(tight.length)} more={`${count(tight.filter(({ window }) => window.alerts.includes(100)).length)} used up`} />
        <Tile name="Held now" value={usd(limited.reduce((sum, { window }) => Math.max(sum, window.reserved), 0))} more="the most on one account" />
        <Tile name="This month, projected" value={usd(projected)} more="all users together" />
        <Tile name="Own provider keys" value={share(own.tokens, own.tokens + platform.tokens)} more={`of ${count(own.tokens + platform.tokens)} tokens this month`} />
      </div>
      {tight.length ? (
        <div className="note warn" role="status">
          {tight.map(({ account, window }) => (
            <p key={account + window.period}><strong>{account}</strong> has spent {Math.max(...window.alerts)} % or more of its limit for {window.period}.</p>
          ))}
        </div>
      ) : null}
      <section className="stack tight" aria-labelledby="limits">
        <h2 id="limits">What may still be spent</h2>
        {limited.length ? (
          <div className="table" tabIndex={0} role="region" aria-label="Table: limits">
            <table>
              <thead><tr><th scope="col">Account</th><th scope="col">Window</th><th scope="col">Spent and held</th><th scope="col" className="n">Spent</th><th scope="col" className="n">Held</th><th scope="col" className="n">Remaining</th><th scope="col" className="n">Limit</th><th scope="col">Begins anew</th></tr></thead>
              <tbody>
                {limited.map(({ account, window, limit }) => <Row key={account + window.period} account={account} window={window} limit={limit} />)}
              </tbody>
            </table>
          </div>
        ) : <p className="empty">No account has a limit. <code>make budget ACCOUNT=user:ada MONTHLY=50</code> sets one.</p>}
      </section>
      <section className="stack tight" aria-labelledby="ahead">
        <h2 id="ahead">What the month will have cost</h2>
        <p className="soft small">Spent so far, plus today’s cost for the part of today that is left, plus the cost of each day after it. A day is expected to cost the mean of the same weekday among the last 28 whole days.</p>
        <div className="table" tabIndex={0} role="region" aria-label="Table: projections">
          <table>
            <thead><tr><th scope="col">User</th><th scope="col" className="n">Spent</th><th scope="col" className="n">Projected</th><th scope="col" className="n">Rests on</th></tr></thead>
            <tbody>
              {data.projections.map((each) => (
                <tr key={each.userId}><th scope="row">{each.userId}</th><td className="n">{usd(each.spent)}</td><td className="n">{usd(each.projected)}</td><td className="n">{many(each.basis_days, "day")}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      <section className="stack tight" aria-labelledby="whose">
        <h2 id="whose">Whose provider keys</h2>
        <div className="table" tabIndex={0} role="region" aria-label="Table: own keys and the platform’s">
          <table>
            <thead><tr><th scope="col">Paid by</th><th scope="col" className="n">Attempts</th><th scope="col" className="n">Tokens</th><th scope="col" className="n">Charged</th></tr></thead>
            <tbody>
              {([["the platform", platform], ["callers’ own keys", own]] as const).map(([name, each]) => (
                <tr key={name}><th scope="row">{name}</th><td className="n">{count(each.attempts)}</td><td className="n">{count(each.tokens)}</td><td className="n">{usd(each.charged)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}

function Row({ account, window, limit }: { account: string; window: Window; limit: number }) {
  return (
    <tr>
      <th scope="row">{account}</th>
      <td>{window.period}</td>
      <td className="gauge"><Meter spent={window.spent} held={window.reserved} limit={limit} label={`${share(window.spent, limit)} spent, ${share(window.reserved, limit)} held`} /></td>
      <td className="n">{usd(window.spent)}</td>
      <td className="n">{usd(window.reserved)}</td>
      <td className="n">{usd(window.remaining)}</td>
      <td className="n">{usd(limit)}</td>
      <td>{window.resetsAt ? date(window.resetsAt) : "never"}</td>
    </tr>
  );
}
