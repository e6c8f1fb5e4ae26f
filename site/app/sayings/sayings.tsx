"use client";

import { useEffect, useState } from "react";

import { ask, Refused } from "@/lib/api";
import { duration, usd } from "@/lib/format";
import type { Feedback, League as Told, Saying } from "@/lib/shapes";
import { Down, Up } from "@/parts/icons";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

type Vote = Feedback["feedbackType"];

export function Sayings() {
  const [saying, setSaying] = useState<Saying | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [busy, setBusy] = useState(false);
  const [vote, setVote] = useState<Vote | null>(null);
  const [counted, setCounted] = useState(false);
  const [alive, setAlive] = useState(false);
  const league = useAnswer<Told>("GET /sayings/stats");
  useEffect(() => setAlive(true), []);

  const fetchOne = async () => {
    setBusy(true);
    setError(null);
    try {
      setSaying(await ask<Saying>("GET /sayings"));
      setVote(null);
      setCounted(false);
    } catch (failure) {
      setError(failure as Refused);
    } finally {
      setBusy(false);
    }
  };

  const give = async (thumb: Vote) => {
    if (!saying || vote) return;
    const { executionTime, isCached, originalLlmTime } = saying.metrics;
    const body: Feedback = { saying: saying.saying, source: saying.source, feedbackType: thumb, executionTime, isCached };
    if (originalLlmTime !== null) body.originalLlmTime = originalLlmTime;
    setVote(thumb);
    setError(null);
    try {
      await ask("POST /feedback", { body, headers: { "idempotency-key": crypto.randomUUID() } });
      setCounted(true);
    } catch (failure) {
      setError(failure as Refused);
      setVote(null);
    }
  };

  return (
    <div className="stack">
      <section className="card" aria-labelledby="saying">
        <h2 id="saying" className="unseen">The saying</h2>
        <div aria-live="polite" className="stack tight">
          <blockquote className={saying ? "saying" : "saying none"}>{saying ? saying.saying : "S3 is like an attic: everything fits, nothing is ever thrown away, and once a year the bill reminds you it is there."}</blockquote>
          {saying ? (
            <dl className="facts">
              <div><dt>Source</dt><dd>{saying.source}</dd></div>
              <div><dt>Took</dt><dd>{duration(saying.metrics.executionTime)}{saying.metrics.isCached ? ", kept" : ""}</dd></div>
              <div><dt>Writing it took</dt><dd>{duration(saying.metrics.originalLlmTime)}</dd></div>
              <div><dt>Cost of this one</dt><dd>{usd(saying.metrics.cost)}</dd></div>
            </dl>
          ) : <p className="small soft">An example. Press the button for a real one.</p>}
        </div>
        {error ? <Refusal error={error} /> : null}
        <div className="row apart">
          <button type="button" className="button" onClick={() => void fetchOne()} disabled={!alive || busy}>{busy ? "Asking…" : "Get a saying"}</button>
          {saying ? (
            <div className="row" role="group" aria-label="Your vote">
              <button type="button" className="button quiet thumb" aria-label="Thumb up" aria-pressed={vote === "POSITIVE"} disabled={vote !== null} onClick={() => void give("POSITIVE")}><Up /></button>
              <button type="button" className="button quiet thumb" aria-label="Thumb down" aria-pressed={vote === "NEGATIVE"} disabled={vote !== null} onClick={() => void give("NEGATIVE")}><Down /></button>
              <span className="small soft" role="status">{counted ? "Counted. Thank you." : ""}</span>
            </div>
          ) : null}
        </div>
      </section>
      <section className="stack tight" aria-labelledby="league">
        <h2 id="league">The league</h2>
        {league.data ? <League told={league.data} /> : league.error ? <Refusal error={league.error} retrying /> : <Waiting />}
      </section>
    </div>
  );
}

function League({ told }: { told: Told }) {
  const voted = told.models.filter((each) => each.total);
  if (!voted.length) return <p className="empty">Nobody has voted yet. The first thumb opens the table, two minutes later at most.</p>;
  return (
    <div className="table" tabIndex={0} role="region" aria-label="Table: how the models are liked">
      <table>
        <caption>Score is thumbs up minus thumbs down. Two minutes old at most.</caption>
        <thead>
          <tr><th scope="col">Model</th><th scope="col" className="n">Score</th><th scope="col" className="n">Up</th><th scope="col" className="n">Down</th><th scope="col" className="n">Liked</th><th scope="col" className="n">Writes in</th></tr>
        </thead>
        <tbody>
          {voted.map((each) => (
            <tr key={`${each.vendor}/${each.model}`}>
              <th scope="row">{each.name}</th>
              <td className="n">{each.score}</td>
              <td className="n">{each.positive}</td>
              <td className="n">{each.negative}</td>
              <td className="n">{Math.round(each.successRate ?? 0)} %</td>
              <td className="n">{duration(each.averageResponseTimeMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
