"use client";

import { useEffect, useState } from "react";

import { Refused } from "@/lib/api";
import { count, duration, time, usd } from "@/lib/format";
import { cancel, decide } from "@/lib/runs";
import type { RunStatus, Step } from "@/lib/shapes";
import { Check, Cross, Eye, Hand, Think, Words, Wrench } from "@/parts/icons";
import { Status } from "@/parts/status";
import { Refusal, Waiting } from "@/parts/told";

const NAMES: Record<Step["type"], string> = {
  think: "Thinks",
  tool_call: "Asks for a tool",
  observation: "Reads what came back",
  approval: "A person decides",
  response: "Answers",
  error: "Fails",
  done: "Ends",
  reconnect: "",
};
const ICONS = { think: Think, tool_call: Wrench, observation: Eye, approval: Hand, response: Words, error: Cross, done: Check, reconnect: Eye };

interface Shown {
  runId: string | null;
  steps: Step[];
  link: "connecting" | "watching" | "waiting" | "over";
  bearer: string | null;
  error: Refused | null;
  starting: boolean;
}

export function Timeline({ runId, steps, link, bearer, error, starting }: Shown) {
  const last = steps.at(-1);
  const ended = last?.type === "done" ? last : null;
  const asked = steps.findLast((each) => each.type === "approval");
  const open = asked && !asked.data.decided && !ended ? asked : null;
  const cost = ended?.data.cost ?? steps.reduce((sum, each) => sum + (each.type === "done" ? 0 : (each.data.cost ?? 0)), 0);
  const status: RunStatus = ended ? (ended.data.status ?? "succeeded") : open ? "awaiting_approval" : "running";

  if (!runId && !starting) {
    return (
      <section className="stack" aria-label="The run">
        {error ? <Refusal error={error} /> : null}
        <p className="empty">Start a run, or choose one of yours. Its steps appear here while they happen.</p>
      </section>
    );
  }
  return (
    <section className="card" aria-labelledby="run">
      <div className="row apart">
        <h2 id="run">The run</h2>
        <div className="row">
          <Status of={status} />
          {runId && bearer && !ended ? <End runId={runId} bearer={bearer} /> : null}
        </div>
      </div>
      <dl className="facts">
        <div><dt>Cost so far</dt><dd data-test="run-cost">{usd(cost)}</dd></div>
        <div><dt>Steps</dt><dd>{count(steps.length)}</dd></div>
        <div><dt>Told by</dt><dd>{link === "over" ? "all of it" : link === "watching" ? "as it happens" : link === "waiting" ? "connection lost, trying again" : "connecting"}</dd></div>
      </dl>
      {error ? <Refusal error={error} /> : null}
      <ol className="timeline" aria-live="polite" aria-label="Steps">
        {steps.map((step) => <One key={step.seq} step={step} />)}
      </ol>
      {open && runId && bearer ? <Decide key={open.seq} step={open} runId={runId} bearer={bearer} /> : null}
      {!ended && !open && !error ? <Waiting>{steps.length ? "At work" : "Starting"}</Waiting> : null}
      {runId ? <p className="small soft">Run <code>{runId}</code></p> : null}
    </section>
  );
}

function One({ step }: { step: Step }) {
  const { type, data } = step;
  const failed = type === "done" && data.status !== "succeeded";
  const Icon = failed ? Cross : ICONS[type];
  return (
    <li className={`${type} ${failed ? "bad" : ""}`} data-seq={step.seq}>
      <span className="dot"><Icon /></span>
      <div className="what">
        <div className="head">
          <strong>{type === "approval" && data.decided ? `A person decided: ${data.decided}` : NAMES[type]}{data.toolName ? <>: <code>{data.toolName}</code></> : null}</strong>
          <span className="small soft number">
            <time dateTime={step.ts}>{time(step.ts)}</time>
            {data.durationMs === undefined ? "" : `, ${duration(data.durationMs)}`}
            {data.cost ? `, ${usd(data.cost)}` : ""}
          </span>
        </div>
        {type === "error" ? <p className="note bad">{data.message ?? data.reason}</p> : null}
        {type === "done" ? <p className="soft">{data.status}{data.reason ? `: ${data.reason}` : ""}</p> : null}
        {data.content ? <p className="answer">{data.content}</p> : null}
        {data.toolInput ? <pre tabIndex={0} aria-label="What the tool is given"><code>{pretty(data.toolInput)}</code></pre> : null}
        {data.toolOutput === undefined ? null : (
          <details>
            <summary>{data.isError ? "What went wrong" : "What came back"}</summary>
            <pre tabIndex={0} aria-label="What came back"><code>{pretty(data.toolOutput)}</code></pre>
          </details>
        )}
      </div>
    </li>
  );
}

/** Exactly what the tools would be given, and a yes or a no to just that. */
function Decide({ step, runId, bearer }: { step: Step; runId: string; bearer: string }) {
  const [reason, setReason] = useState("");
  const [sent, setSent] = useState(false);
  const [error, setError] = useState<Refused | null>(null);
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    const until = Date.parse(step.ts) + (step.data.seconds ?? 300) * 1000;
    const look = () => setLeft(Math.max(0, until - Date.now()));
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [step]);

  const say = async (word: "approve" | "reject") => {
    setSent(true);
    setError(null);
    try {
      await decide(word, runId, { ...(step.data.hash ? { hash: step.data.hash } : {}), ...(reason.trim() ? { reason } : {}) }, bearer);
    } catch (failure) {
      setError(failure as Refused);
      setSent(false);
    }
  };

  return (
    <div className="note warn stack tight" role="group" aria-label="Your decision">
      <p><strong>It waits for you.</strong> {left === null ? "" : `Silence is a no, in ${duration(left)}.`}</p>
      <pre tabIndex={0} aria-label="What the tools would be given"><code>{pretty(step.data.shown)}</code></pre>
      <label className="field">
        <span>A word to the agent</span>
        <input value={reason} maxLength={1000} onChange={(event) => setReason(event.target.value)} />
      </label>
      <div className="row">
        <button type="button" className="button" disabled={sent} onClick={() => void say("approve")}>Approve</button>
        <button type="button" className="button bad" disabled={sent} onClick={() => void say("reject")}>Reject</button>
      </div>
      {error ? <Refusal error={error} /> : null}
    </div>
  );
}

function End({ runId, bearer }: { runId: string; bearer: string }) {
  const [sent, setSent] = useState(false);
  return (
    <button type="button" className="button bad slim" disabled={sent} onClick={() => {
      setSent(true);
      void cancel(runId, bearer).catch(() => setSent(false));
    }}>
      {sent ? "Cancelling…" : "Cancel"}
    </button>
  );
}

function pretty(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
