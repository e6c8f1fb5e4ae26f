/** Signing in at the user pool's own page: OAuth's authorisation code with PKCE (RFC 7636). No password passes here. */

import { signedIn, signedOut, type Person } from "./session";

const VERIFIER = "drey.verifier";
const STATE = "drey.state";
const BACK = "drey.back";

/** /site.json, which each stage has for itself. */
export interface Place {
  signInUrl: string;
  clientId: string;
}

export async function place(): Promise<Place> {
  const response = await fetch("/site.json", { cache: "no-store" });
  if (!response.ok) throw new Error("This site does not know where people sign in: /site.json is missing.");
  return (await response.json()) as Place;
}

/** Go to the sign-in page; afterwards the person is where they were. */
export async function signIn(): Promise<void> {
  const { signInUrl, clientId } = await place();
  const verifier = random();
  const state = random();
  sessionStorage.setItem(VERIFIER, verifier);
  sessionStorage.setItem(STATE, state);
  sessionStorage.setItem(BACK, location.pathname + location.search + location.hash);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  location.assign(
    `${signInUrl}/oauth2/authorize?${new URLSearchParams({
      response_type: "code",
      client_id: clientId,
      redirect_uri: here(),
      scope: "openid email profile",
      state,
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: "S256",
    })}`,
  );
}

/** On the page where people come back: the code becomes a token. Where they were before, and who they are. */
export async function comeBack(query: URLSearchParams): Promise<{ person: Person; back: string }> {
  const verifier = sessionStorage.getItem(VERIFIER);
  const state = sessionStorage.getItem(STATE);
  const back = sessionStorage.getItem(BACK) ?? "/dashboard/";
  sessionStorage.removeItem(VERIFIER);
  sessionStorage.removeItem(STATE);
  sessionStorage.removeItem(BACK);
  if (query.get("error")) throw new Error(query.get("error_description") ?? query.get("error") ?? "Signing in failed.");
  const code = query.get("code");
  if (!code || !verifier || !state || query.get("state") !== state) {
    throw new Error("This sign-in was not begun in this tab. Begin it here.");
  }
  const { signInUrl, clientId } = await place();
  const response = await fetch(`${signInUrl}/oauth2/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: clientId,
      redirect_uri: here(),
      code,
      code_verifier: verifier,
    }),
  });
  if (!response.ok) throw new Error("The sign-in page took its code back. Try once more.");
  const { id_token } = (await response.json()) as { id_token: string };
  return { person: signedIn(id_token), back: back.startsWith("/") && !back.startsWith("//") ? back : "/dashboard/" };
}

export async function signOut(): Promise<void> {
  signedOut();
  const { signInUrl, clientId } = await place();
  location.assign(`${signInUrl}/logout?${new URLSearchParams({ client_id: clientId, logout_uri: `${location.origin}/` })}`);
}

function here(): string {
  return `${location.origin}/signed-in/`;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
