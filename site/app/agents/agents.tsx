"use client";

import { useCallback, useEffect, useRef, useState } from "react";

import type { Refused } from "@/lib/api";
import { ago, usd } from "@/lib/format";
import { watch, type Watching } from "@/lib/live";
import { start } from "@/lib/runs";
import type { NewRun, Run, Step } from "@/lib/shapes";
import { Status } from "@/parts/status";
import { KeyField, Refusal } from "@/parts/told";
import { useAnswer, useApiKey } from "@/parts/use";
import { Order } from "./order";
import { Timeline } from "./timeline";

export function Agents() {
  const key = useApiKey();
  const runs = useAnswer<{ data: Run[] }>(key ? "GET /v1/agents/runs" : null, { bearer: key ?? null, query: { limit: 12 } }, 5_000);
  const [runId, setRunId] = useState<string | null>(null);
  const [steps, setSteps] = useState<Step[]>([]);
  const [link, setLink] = useState<"connecting" | "watching" | "waiting" | "over">("connecting");
  const [error, setError] = useState<Refused | null>(null);
  const [starting, setStarting] = useState(false);
  const stop = useRef<() => void>(() => undefined);
  useEffect(() => () => stop.current(), []);

  const again = runs.again;
  const fresh = useCallback((id: string | null): Watching => {
    stop.current();
    setRunId(id);
    setSteps([]);
    setError(null);
    setLink("connecting");
    return {
      step: (step) => setSteps((before) => (before.some((each) => each.seq === step.seq) ? before : [...before, step])),
      state: setLink,
      end: (failure) => {
        setLink("over");
        setError(failure);
        setStarting(false);
        again();
      },
    };
  }, [again]);

  const begin = (body: NewRun) => {
    if (!key) return;
    setStarting(true);
    const begun = (id: string) => {
      setRunId(id);
      setStarting(false);
      again();
    };
    stop.current = start(body, key, { ...fresh(null), begun });
  };

  const open = (id: string) => {
    if (key) stop.current = watch(id, key, 0, fresh(id));
  };

  const known = runs.data?.data ?? [];
  return (
    <div className="two before">
      <div className="stack">
        <KeyField why="An agent asks models, and somebody has to pay." />
        <Order ready={!!key && !starting} begin={begin} bearer={key ?? null} />
        <section className="stack tight" aria-labelledby="runs">
          <h2 id="runs">Your runs</h2>
          {runs.error ? <Refusal error={runs.error} retrying /> : null}
          {known.length ? (
            <ul className="pick">
              {known.map((run) => (
                <li key={run.runId}>
                  <button type="button" onClick={() => open(run.runId)} aria-current={run.runId === runId}>
                    <span className="row apart"><strong>{run.type.replace(/_/g, " ")}</strong><Status of={run.status} /></span>
                    <span className="small soft number">{ago(run.createdAt)}, {usd(run.cost)}</span>
                  </button>
                </li>
              ))}
            </ul>
          ) : <p className="small soft">{key ? "None yet." : "With a key you see yours here."}</p>}
        </section>
      </div>
      <Timeline runId={runId} steps={steps} link={link} bearer={key ?? null} error={error} starting={starting} />
    </div>
  );
}
