"use client";

/** What pages keep while they are shown: who is at this tab, and answers that are asked for again. */

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";

import { ask, Refused, type Asking, type Route } from "@/lib/api";
import { apiKey, changes, person, type Person } from "@/lib/session";

/** The API key of this tab; undefined until the page is alive. */
export function useApiKey(): string | null | undefined {
  return useSyncExternalStore(changes, apiKey, () => undefined);
}

/** The person who is signed in; undefined until the page is alive. */
export function usePerson(): Person | null | undefined {
  const token = useSyncExternalStore(changes, () => person()?.token ?? null, () => undefined);
  const [kept, keep] = useState<Person | null | undefined>(undefined);
  useEffect(() => keep(token === undefined ? undefined : person()), [token]);
  return kept;
}

export interface Answered<Answer> {
  data: Answer | null;
  error: Refused | null;
  again: () => void;
}

const RETRY_MS = 2_000;

/**
 * What a route answers, `every` so many milliseconds anew. While nobody answers, what was known stays, and the API is
 * asked again until it does. `route` null asks nothing.
 */
export function useAnswer<Answer>(route: Route | null, asking: Asking = {}, every = 0): Answered<Answer> {
  const [data, setData] = useState<Answer | null>(null);
  const [error, setError] = useState<Refused | null>(null);
  const [turn, setTurn] = useState(0);
  const asked = JSON.stringify([route, asking]);
  const latest = useRef(asked);

  useEffect(() => {
    if (!route) return;
    if (latest.current !== asked) {
      latest.current = asked;
      setData(null);
    }
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      let wait = every;
      try {
        setData(await ask<Answer>(route, { ...asking, signal: stop.signal }));
        setError(null);
      } catch (failure) {
        if (stop.signal.aborted) return;
        const refused = failure instanceof Refused ? failure : new Refused(String(failure), 0, "", null, null);
        setError(refused);
        if (refused.unreachable || refused.status >= 500) wait = RETRY_MS;
      }
      if (wait && !stop.signal.aborted) timer = setTimeout(look, wait);
    };
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
    // `asked` is what route and asking say
  }, [asked, every, turn]);

  return { data, error, again: useCallback(() => setTurn((before) => before + 1), []) };
}
