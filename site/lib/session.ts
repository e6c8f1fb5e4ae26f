/**
 * Who is at this tab. An API key and a person's ID token live in the tab's own storage: they end with it, no other
 * tab has them, and nothing is written to disk.
 */

const KEY = "drey.key";
const PERSON = "drey.person";
const CHANGED = "drey.session";

/** A person who signed in; `until` is epoch milliseconds. */
export interface Person {
  token: string;
  name: string;
  groups: string[];
  until: number;
}

export function apiKey(): string | null {
  return sessionStorage.getItem(KEY);
}

export function keepKey(key: string | null): void {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  dispatchEvent(new Event(CHANGED));
}

/** The person, until the token ends. */
export function person(): Person | null {
  const kept = sessionStorage.getItem(PERSON);
  if (!kept) return null;
  const found = JSON.parse(kept) as Person;
  if (found.until > Date.now()) return found;
  sessionStorage.removeItem(PERSON);
  return null;
}

export function signedIn(idToken: string): Person {
  const claims = JSON.parse(decoded(idToken.split(".")[1] ?? "")) as Record<string, unknown>;
  const groups = claims["cognito:groups"];
  const found: Person = {
    token: idToken,
    name: String(claims.email ?? claims["cognito:username"] ?? "somebody"),
    groups: Array.isArray(groups) ? groups.map(String) : [],
    until: Number(claims.exp) * 1000,
  };
  sessionStorage.setItem(PERSON, JSON.stringify(found));
  dispatchEvent(new Event(CHANGED));
  return found;
}

export function signedOut(): void {
  sessionStorage.removeItem(PERSON);
  dispatchEvent(new Event(CHANGED));
}

/** Calls back whenever somebody comes or leaves. Returns what stops that. */
export function changes(call: () => void): () => void {
  addEventListener(CHANGED, call);
  return () => removeEventListener(CHANGED, call);
}

function decoded(part: string): string {
  const bytes = atob(part.replace(/-/g, "+").replace(/_/g, "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (sign) => sign.charCodeAt(0)));
}
