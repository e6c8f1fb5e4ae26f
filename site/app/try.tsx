"use client";

import { useEffect, useState, type FormEvent } from "react";

import { ask, Refused } from "@/lib/api";
import { many } from "@/lib/format";
import type { Complete } from "@/lib/shapes";
import { Refusal } from "@/parts/told";

interface Demo {
  content: string;
  model: string;
  remainingToday: number;
}

/** The live example: a cheap model answers anybody, briefly, from a purse that a day cannot exceed. */
export function Try() {
  const [prompt, setPrompt] = useState("Why do squirrels forget where they put their nuts?");
  const [answer, setAnswer] = useState<(Demo & { ms: number }) | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [busy, setBusy] = useState(false);
  const [alive, setAlive] = useState(false);
  useEffect(() => setAlive(true), []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body: Complete = { prompt };
    const began = performance.now();
    setBusy(true);
    setError(null);
    try {
      const told = await ask<Demo>("POST /public/demo/complete", { body });
      setAnswer({ ...told, ms: performance.now() - began });
    } catch (failure) {
      setError(failure as Refused);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form className="card" onSubmit={submit} aria-label="A live example">
      <label className="field">
        <span>Ask it something</span>
        <textarea value={prompt} maxLength={1500} rows={3} onChange={(event) => setPrompt(event.target.value)} />
      </label>
      <div className="row">
        <button className="button" type="submit" disabled={!alive || busy || !prompt.trim()}>{busy ? "Asking…" : "Ask"}</button>
        <span className="small soft">No account, no key.</span>
      </div>
      {error ? <Refusal error={error} /> : null}
      <div aria-live="polite" className="stack tight">
        {answer ? (
          <>
            <p className="answer">{answer.content}</p>
            <p className="small soft number">{answer.model} in {Math.round(answer.ms)} ms. {many(answer.remainingToday, "more question")} today.</p>
          </>
        ) : null}
      </div>
    </form>
  );
}
