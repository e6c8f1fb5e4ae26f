/** How a run stands, in a word and a colour. */

import type { RunStatus } from "@/lib/shapes";

const STATUS: Record<RunStatus, [kind: string, words: string]> = {
  running: ["accent", "running"],
  awaiting_approval: ["warn", "waits for you"],
  succeeded: ["good", "succeeded"],
  failed: ["bad", "failed"],
  cancelled: ["", "cancelled"],
};

export function Status({ of }: { of: RunStatus }) {
  const [kind, words] = STATUS[of];
  return <span className={`badge ${kind}`}>{words}</span>;
}
