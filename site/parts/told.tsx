"use client";

/** What a person is told: refusals, waiting, copied texts, and which key this tab has. */

import { useEffect, useState, type FormEvent } from "react";

import { Refused } from "@/lib/api";
import { keepKey } from "@/lib/session";
import { useApiKey } from "./use";

/** A refusal in the API's own words. One that passes by itself says so. */
export function Refusal({ error, retrying = false }: { error: Refused | Error; retrying?: boolean }) {
  const refused = error instanceof Refused ? error : null;
  return (
    <div className={`note ${refused?.unreachable ? "warn" : "bad"}`} role="alert">
      <p>
        {error.message}
        {retrying && (refused?.unreachable || (refused?.status ?? 0) >= 500) ? " This page goes on as soon as it answers." : ""}
        {refused?.retryAfter ? ` Try again in ${refused.retryAfter} s.` : ""}
      </p>
      {refused?.requestId ? <p className="small soft">Request {refused.requestId}</p> : null}
    </div>
  );
}

export function Waiting({ children = "Loading" }: { children?: string }) {
  return <p className="waiting" role="status">{children}</p>;
}

export function Copy({ text, children = "Copy" }: { text: string; children?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" className="button quiet slim" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}>
      <span aria-live="polite">{done ? "Copied" : children}</span>
    </button>
  );
}

/** Asks for an API key, or says which one this tab has. */
export function KeyField({ why }: { why: string }) {
  const key = useApiKey();
  const [typed, setTyped] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim()) keepKey(typed.trim());
    setTyped("");
  };
  const has = (
    <p className="row small soft">
      <span>Key <code>{key ? key.slice(0, 20) : "sk-proj-"}…</code></span>
      <button type="button" className="button quiet slim" onClick={() => keepKey(null)}>Forget it</button>
    </p>
  );
  const asks = (
    <form className="form" onSubmit={submit}>
      <label className="field">
        <span>API key</span>
        <input name="key" type="password" autoComplete="off" spellCheck={false} placeholder="sk-proj-…" value={typed} onChange={(event) => setTyped(event.target.value)} />
        <small>{why} It stays in this tab and goes nowhere but to this API. <code>make run</code> prints one; the <a href="/dashboard/keys/">dashboard</a> makes more.</small>
      </label>
      <div><button className="button quiet" type="submit">Use this key</button></div>
    </form>
  );
  if (key !== undefined) return key ? has : asks;
  // Not alive yet: public/theme.js says which of the two it will be, so that nothing jumps when it is.
  return (
    <>
      <div className="with-key">{has}</div>
      <div className="without-key">{asks}</div>
    </>
  );
}
