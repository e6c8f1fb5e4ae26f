/** The live socket: one ticket, one connection; the events of a run from any number on, also after it broke. */

import { ask, Refused } from "./api";
import type { Frame, Step } from "./shapes";

export interface Watching {
  /** Every event of the run, once and in order. */
  step: (step: Step) => void;
  /** Connected; or not, and trying again. */
  state: (state: "connecting" | "watching" | "waiting") => void;
  /** Nothing follows: it is over, or it was refused. */
  end: (error: Refused | null) => void;
}

const LONGEST_WAIT_MS = 10_000;

/** Watch a run by the live socket from `afterSeq` on. Returns what stops watching. */
export function watch(runId: string, bearer: string, afterSeq: number, told: Watching): () => void {
  let seen = afterSeq;
  let over = false;
  let tries = 0;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const finish = (error: Refused | null) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket?.close();
    told.end(error);
  };

  const again = () => {
    if (over) return;
    told.state("waiting");
    tries += 1;
    timer = setTimeout(connect, Math.min(250 * 2 ** tries, LONGEST_WAIT_MS));
  };

  async function connect() {
    told.state("connecting");
    try {
      const { ticket } = await ask<{ ticket: string }>("POST /v1/live/ticket", { bearer });
      if (over) return;
      open(ticket);
    } catch (error) {
      if (error instanceof Refused && !error.unreachable && error.status < 500 && error.status !== 429) finish(error);
      else again();
    }
  }

  function open(ticket: string) {
    const here = new URL(`/live?ticket=${encodeURIComponent(ticket)}`, location.href);
    here.protocol = here.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(here);
    socket.onopen = () => socket?.send(JSON.stringify({ action: "subscribe", runId, afterSeq: seen }));
    socket.onmessage = (message) => hear(JSON.parse(String(message.data)) as Frame);
    socket.onclose = again;
  }

  function hear(frame: Frame) {
    if (frame.type === "ack") {
      tries = 0;
      told.state("watching");
    } else if (frame.type === "error") {
      finish(new Refused(frame.data.error ?? "The run cannot be watched.", frame.data.statusCode ?? 500, frame.data.code ?? "", null, null));
    } else if ((frame.type === "step" || frame.type === "done") && frame.seq > seen) {
      seen = frame.seq;
      const { type, ...data } = frame.data;
      const kind = frame.type === "done" ? "done" : (type as Step["type"]);
      told.step({ type: kind, seq: frame.seq, ts: frame.ts, runId, data });
      if (kind === "done") finish(null);
    }
  }

  void connect();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close();
  };
}
