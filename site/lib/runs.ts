/** Agent runs: started and told as a stream, told on by the live socket when that breaks, approved, cancelled. */

import { ask, respond, Refused } from "./api";
import { watch, type Watching } from "./live";
import type { NewRun, Step, Word } from "./shapes";
import { events } from "./sse";

/** Start a run and tell its steps. Returns what stops telling; the run itself goes on. */
export function start(body: NewRun, bearer: string, told: Watching & { begun: (runId: string) => void }): () => void {
  const stopping = new AbortController();
  let stop = () => stopping.abort();

  const telling = async () => {
    let runId = "";
    let seen = 0;
    try {
      const response = await respond("POST /v1/agents/stream", { body, bearer, signal: stopping.signal, patience: 0 });
      runId = response.headers.get("x-drey-run-id") ?? "";
      told.begun(runId);
      told.state("watching");
      for await (const data of events(response)) {
        const step = JSON.parse(data) as Step;
        if (step.type === "reconnect") break;
        seen = step.seq;
        told.step(step);
        if (step.type === "done") {
          told.end(null);
          return;
        }
      }
    } catch (error) {
      if (stopping.signal.aborted) return;
      if (!runId) {
        told.end(error instanceof Refused ? error : new Refused(String(error), 0, "", null, null));
        return;
      }
    }
    if (!stopping.signal.aborted) stop = watch(runId, bearer, seen, told);
  };

  void telling();
  return () => {
    stopping.abort();
    stop();
  };
}

export function decide(word: "approve" | "reject", runId: string, body: Word, bearer: string): Promise<unknown> {
  const route = word === "approve" ? "POST /v1/agents/runs/{id}/approve" : "POST /v1/agents/runs/{id}/reject";
  return ask(route, { path: { id: runId }, body, bearer });
}

export function cancel(runId: string, bearer: string): Promise<unknown> {
  return ask("POST /v1/agents/runs/{id}/cancel", { path: { id: runId }, body: {}, bearer });
}
