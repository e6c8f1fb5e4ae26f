"use client";

/** The parts of the playground that only show something. */

import { useEffect, useState } from "react";

import { count, duration, usd } from "@/lib/format";
import type { Account, Generation, Model } from "@/lib/shapes";
import { Copy } from "@/parts/told";

/** Roles first, then models by provider; before a key is known only the role that is asked by default. */
export function Models({ models, value, choose }: { models: Model[] | null; value: string; choose: (model: string) => void }) {
  const able = (models ?? []).filter((each) => each.kind === "chat");
  const roles = able.filter((each) => each.id !== each.root && !each.id.includes("-") && !each.id.startsWith("sayings"));
  const named = new Map<string, Model[]>();
  for (const each of able) {
    if (each.id === each.root) named.set(each.owned_by, [...(named.get(each.owned_by) ?? []), each]);
  }
  const chosen = able.find((each) => each.id === value);
  return (
    <label className="field">
      <span>Model or role</span>
      <select value={value} onChange={(event) => choose(event.target.value)}>
        {models ? null : <option value="generate">generate</option>}
        {roles.length ? <optgroup label="Roles">{roles.map((each) => <option key={each.id} value={each.id}>{each.id} → {each.root}</option>)}</optgroup> : null}
        {[...named].map(([provider, each]) => (
          <optgroup key={provider} label={provider}>
            {[...new Set(each.map((model) => model.id))].map((id) => <option key={id} value={id}>{id}</option>)}
          </optgroup>
        ))}
      </select>
      <small>{chosen ? `${usd(chosen.pricing.input)} in and ${usd(chosen.pricing.output)} out for a million tokens; reads ${count(chosen.context_length)} tokens.` : "A role is whatever the catalog has for a job."}</small>
    </label>
  );
}

/** Who answered, how many tokens, what it cost, and what happened on the way. */
export function Outcome({ account, booked, firstMs }: { account: Account | null; booked: Generation | null; firstMs: number | null }) {
  if (!account && !booked) return null;
  const cost = account?.usage.estimatedCost ?? booked?.charged;
  const attempts = booked?.attempts ?? [];
  return (
    <>
      <dl className="facts">
        <div><dt>Answered by</dt><dd>{account?.model ?? booked?.model ?? "nobody"}</dd></div>
        <div><dt>Provider</dt><dd>{account?.provider ?? booked?.provider ?? "none"}</dd></div>
        <div><dt>Tokens in</dt><dd>{count(account?.usage.inputTokens)}</dd></div>
        <div><dt>Tokens out</dt><dd>{count(account?.usage.outputTokens)}</dd></div>
        <div><dt>Cost</dt><dd data-test="cost">{usd(cost)}{booked?.estimated ? ", at most" : ""}</dd></div>
        <div><dt>First word</dt><dd>{duration(firstMs)}</dd></div>
        <div><dt>Provider took</dt><dd>{duration(account?.latencyMs)}</dd></div>
      </dl>
      {booked?.fallback ? <p className="note warn">A fallback answered: the first choice could not.</p> : null}
      {attempts.length > 1 ? (
        <div className="table" tabIndex={0} role="region" aria-label="Table: attempts">
          <table>
            <caption>Who was asked, in order</caption>
            <thead><tr><th scope="col">Candidate</th><th scope="col">What came of it</th><th scope="col" className="n">Took</th><th scope="col" className="n">Cost</th></tr></thead>
            <tbody>
              {attempts.map((each, number) => (
                <tr key={number}>
                  <th scope="row">{each.provider}/{each.model}</th>
                  <td><span className={`badge ${each.outcome === "ok" ? "good" : "bad"}`}>{each.outcome}</span></td>
                  <td className="n">{duration(each.latency_ms)}</td>
                  <td className="n">{usd(each.charged)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {booked ? <p className="small soft">Call <code>{booked.id}</code></p> : null}
    </>
  );
}

export function AsCode({ curl, python }: { curl: (origin: string) => string; python: (origin: string) => string }) {
  const [origin, setOrigin] = useState("https://…");
  useEffect(() => setOrigin(location.origin), []);
  return (
    <section className="stack tight" aria-labelledby="as-code">
      <h2 id="as-code">The same from your program</h2>
      {([["curl", curl(origin)], ["Python", python(origin)]] as const).map(([name, text]) => (
        <div key={name} className="stack tight">
          <div className="row apart"><h3>{name}</h3><Copy text={text}>{`Copy ${name}`}</Copy></div>
          <pre tabIndex={0} aria-label={name}><code>{text}</code></pre>
        </div>
      ))}
    </section>
  );
}
