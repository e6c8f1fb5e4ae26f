/** One answer of the playground: streamed by POST /v1/stream, cancelled by DELETE /v1/generations/{id}. */

import { ask, respond, Refused } from "./api";
import type { Account, Completion, Generation } from "./shapes";
import { events } from "./sse";

export interface Playing {
  /** Who answers, as far as the head of the stream tells. */
  begun: (generationId: string | null) => void;
  text: (piece: string) => void;
  account: (account: Account) => void;
}

/** Play one answer to its end. Throws Refused, also for what the stream says in band (`code` cancelled among it). */
export async function play(body: Completion, bearer: string, told: Playing, signal: AbortSignal): Promise<void> {
  const response = await respond("POST /v1/stream", { body, bearer, signal, patience: 0 });
  told.begun(response.headers.get("x-drey-generation-id"));
  let ended = false;
  try {
    for await (const data of events(response)) {
      if (data === "[DONE]") {
        ended = true;
        continue;
      }
      const piece = JSON.parse(data) as Partial<Account> & { content?: string; error?: string; code?: string };
      if (piece.error) throw new Refused(piece.error, 502, piece.code ?? "", response.headers.get("x-request-id"), null);
      if (piece.content) told.text(piece.content);
      if (piece.usage) told.account(piece as Account);
    }
  } catch (error) {
    if (error instanceof Refused || signal.aborted) throw error;
    throw cut();
  }
  if (!ended) throw cut();
}

/** Tell the API to stop; the stream then ends by itself, saying `cancelled`. */
export function cancel(generationId: string, bearer: string): Promise<{ status: string }> {
  return ask("DELETE /v1/generations/{id}", { path: { id: generationId }, bearer });
}

/** The call as it was booked, with all its attempts. */
export function look(generationId: string, bearer: string): Promise<Generation> {
  return ask("GET /v1/generations/{id}", { path: { id: generationId }, bearer });
}

function cut(): Refused {
  return new Refused("The connection was cut before the answer ended.", 0, "cut", null, null);
}

/** The same call for a terminal, and for Python. The key is a name, never the key itself. */
export function asCurl(origin: string, body: Completion): string {
  const json = JSON.stringify(body, null, 2).replace(/'/g, "'\\''");
  return `curl -N ${origin}/v1/stream \\\n  -H "Authorization: Bearer $DREY_KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${json}'`;
}

export function asPython(origin: string, body: Completion): string {
  const messages = body.systemPrompt ? [{ role: "system", content: body.systemPrompt }, ...body.messages] : body.messages;
  const more = [
    ...(body.maxTokens ? [`    max_tokens=${body.maxTokens},`] : []),
    ...(body.temperature === undefined ? [] : [`    temperature=${body.temperature},`]),
  ];
  return [
    "import os",
    "",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url="${origin}/v1", api_key=os.environ["DREY_KEY"])`,
    "stream = client.chat.completions.create(",
    `    model=${JSON.stringify(body.model ?? "generate")},`,
    `    messages=${JSON.stringify(messages)},`,
    ...more,
    "    stream=True,",
    ")",
    "for chunk in stream:",
    "    if chunk.choices:",
    '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
  ].join("\n");
}
