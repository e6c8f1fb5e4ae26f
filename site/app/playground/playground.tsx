"use client";

import { useEffect, useRef, useState, type FormEvent } from "react";

import { Refused } from "@/lib/api";
import { asCurl, asPython, cancel, look, play } from "@/lib/playing";
import type { Account, Completion, Generation, Model } from "@/lib/shapes";
import { KeyField, Refusal } from "@/parts/told";
import { useAnswer, useApiKey } from "@/parts/use";
import { AsCode, Models, Outcome } from "./pieces";

type State = "idle" | "asking" | "writing" | "stopping" | "done" | "cancelled" | "failed";

const BUSY: State[] = ["asking", "writing", "stopping"];

export function Playground() {
  const key = useApiKey();
  const models = useAnswer<{ data: Model[] }>(key ? "GET /v1/models" : null, { bearer: key ?? null });
  const [model, setModel] = useState("generate");
  const [system, setSystem] = useState("");
  const [prompt, setPrompt] = useState("Explain a drey, the nest of a squirrel, to somebody who builds data centres.");
  const [most, setMost] = useState("600");
  const [temperature, setTemperature] = useState("");

  const [state, setState] = useState<State>("idle");
  const [text, setText] = useState("");
  const [account, setAccount] = useState<Account | null>(null);
  const [booked, setBooked] = useState<Generation | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [firstMs, setFirstMs] = useState<number | null>(null);
  const stop = useRef<AbortController | null>(null);
  const generation = useRef<string | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const body: Completion = {
    model,
    messages: [{ role: "user", content: prompt }],
    ...(system.trim() ? { systemPrompt: system } : {}),
    ...(Number(most) > 0 ? { maxTokens: Math.floor(Number(most)) } : {}),
    ...(temperature === "" ? {} : { temperature: Number(temperature) }),
  };
  const busy = BUSY.includes(state);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!key || busy) return;
    const began = performance.now();
    const stopping = new AbortController();
    stop.current = stopping;
    generation.current = null;
    setState("asking");
    setText("");
    setAccount(null);
    setBooked(null);
    setError(null);
    setFirstMs(null);
    let first = true;
    try {
      const told = {
        begun: (id: string | null) => {
          generation.current = id;
          setState((now) => (now === "asking" ? "writing" : now));
        },
        text: (piece: string) => {
          if (first) setFirstMs(performance.now() - began);
          first = false;
          setText((before) => before + piece);
        },
        account: setAccount,
      };
      await play(body, key, told, stopping.signal);
      setState("done");
    } catch (failure) {
      const refused = failure instanceof Refused ? failure : null;
      const cancelled = refused?.code === "cancelled" || stopping.signal.aborted;
      setState(cancelled ? "cancelled" : "failed");
      if (!cancelled) setError(refused ?? new Refused(String(failure), 0, "", null, null));
    }
    if (generation.current) setBooked(await look(generation.current, key).catch(() => null));
  };

  const end = async () => {
    if (!key) return;
    setState("stopping");
    const stopping = stop.current;
    if (generation.current) await cancel(generation.current, key).catch(() => stopping?.abort());
    else stopping?.abort();
    setTimeout(() => stopping?.abort(), 4_000); // the stream should have said so itself by then
  };

  return (
    <div className="two before">
      <div className="stack">
        <KeyField why="Answers cost something, so somebody has to pay." />
        <form className="form" onSubmit={submit} aria-label="What to ask">
          <Models models={models.data?.data ?? null} value={model} choose={setModel} />
          {models.error ? <Refusal error={models.error} retrying /> : null}
          <label className="field">
            <span>Prompt</span>
            <textarea rows={6} value={prompt} onChange={(event) => setPrompt(event.target.value)} />
          </label>
          <details>
            <summary>System prompt, length, temperature</summary>
            <div className="form">
              <label className="field">
                <span>System prompt</span>
                <textarea rows={3} value={system} onChange={(event) => setSystem(event.target.value)} />
              </label>
              <div className="pair">
                <label className="field">
                  <span>Most tokens</span>
                  <input type="number" min={1} value={most} onChange={(event) => setMost(event.target.value)} />
                </label>
                <label className="field">
                  <span>Temperature</span>
                  <input type="number" min={0} max={2} step={0.1} placeholder="the model’s own" value={temperature} onChange={(event) => setTemperature(event.target.value)} />
                </label>
              </div>
            </div>
          </details>
          <div className="row">
            <button className="button" type="submit" disabled={!key || busy || !prompt.trim()}>{busy ? "Answering…" : "Ask"}</button>
            {busy ? <button className="button bad" type="button" onClick={() => void end()} disabled={state === "stopping"}>{state === "stopping" ? "Cancelling…" : "Cancel"}</button> : null}
          </div>
        </form>
      </div>
      <div className="stack">
        <section className="card" aria-labelledby="answer" aria-busy={busy}>
          <div className="row apart">
            <h2 id="answer">Answer</h2>
            <Status state={state} />
          </div>
          <div className={`answer ${state === "writing" ? "caret" : ""}`} role="log" aria-live="polite" tabIndex={0} aria-label="The answer">
            {text || <span className="soft">{state === "asking" ? "Waiting for the first word…" : "Nothing asked yet."}</span>}
          </div>
          {error ? <Refusal error={error} /> : null}
          {state === "cancelled" ? <p className="note warn">Cancelled. What was held for this call is charged, because nobody saw what the provider counted.</p> : null}
          <Outcome account={account} booked={booked} firstMs={firstMs} />
        </section>
        <AsCode curl={(origin) => asCurl(origin, body)} python={(origin) => asPython(origin, body)} />
      </div>
    </div>
  );
}

function Status({ state }: { state: State }) {
  const [kind, words] = (
    {
      idle: ["", "idle"],
      asking: ["accent", "asking"],
      writing: ["accent", "writing"],
      stopping: ["warn", "cancelling"],
      done: ["good", "done"],
      cancelled: ["warn", "cancelled"],
      failed: ["bad", "failed"],
    } as const
  )[state];
  return <span className={`badge ${kind}`} role="status">{words}</span>;
}
