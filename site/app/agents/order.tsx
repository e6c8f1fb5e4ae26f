"use client";

import { useState, type FormEvent } from "react";

import type { NewRun, Tools } from "@/lib/shapes";
import { useAnswer } from "@/parts/use";

/** What an agent is to do. Tools that are ticked ask a person each time. */
export function Order({ ready, begin, bearer }: { ready: boolean; begin: (body: NewRun) => void; bearer: string | null }) {
  const told = useAnswer<Tools>(bearer ? "GET /v1/tools" : null, { bearer });
  const [kind, setKind] = useState("research");
  const [words, setWords] = useState("How squirrels build their nests");
  const [budget, setBudget] = useState("0.25");
  const [ask, setAsk] = useState<string[]>([]);
  const kinds = told.data?.agents ?? [];
  const tools = kinds.find((each) => each.type === kind)?.tools ?? ["search", "summarize", "extract"];

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body: NewRun = { type: kind, input: kind === "research" ? { topic: words } : { text: words }, requireApproval: ask.filter((each) => tools.includes(each)) };
    if (Number(budget) > 0) body.budget = Number(budget);
    begin(body);
  };

  return (
    <form className="form" onSubmit={submit} aria-label="A new run">
      <label className="field">
        <span>Kind</span>
        <select value={kind} onChange={(event) => setKind(event.target.value)}>
          <option value="research">Research</option>
          <option value="document_analysis">Document analysis</option>
        </select>
        <small>{kinds.find((each) => each.type === kind)?.description ?? "Answers a question from what it finds."}</small>
      </label>
      <label className="field">
        <span>{kind === "research" ? "Topic" : "Text"}</span>
        <textarea rows={kind === "research" ? 2 : 6} value={words} onChange={(event) => setWords(event.target.value)} />
      </label>
      <fieldset>
        <legend>Ask me before it uses</legend>
        <div className="row">
          {tools.map((name) => (
            <label key={name} className="check">
              <input type="checkbox" checked={ask.includes(name)} onChange={(event) => setAsk(event.target.checked ? [...ask, name] : ask.filter((each) => each !== name))} />
              {name}
            </label>
          ))}
        </div>
      </fieldset>
      <label className="field">
        <span>Budget in USD</span>
        <input type="number" min={0} step="any" value={budget} onChange={(event) => setBudget(event.target.value)} />
        <small>Never exceeded. Empty: the key’s own.</small>
      </label>
      <div><button className="button" type="submit" disabled={!ready || !words.trim()}>Start</button></div>
    </form>
  );
}
