/**
 * The API as these pages use it: every route by the name that GET /v1/openapi.json gives it, typed answers, one error.
 *
 * A test in the repository holds ROUTES and the bodies in lib/shapes.ts against the description of the API.
 */

export const ROUTES = [
  "GET /health",
  "GET /sayings",
  "POST /feedback",
  "GET /sayings/stats",
  "GET /blog",
  "GET /blog/{postId}",
  "POST /public/demo/complete",
  "GET /v1/models",
  "GET /v1/key",
  "POST /v1/stream",
  "GET /v1/generations/{id}",
  "DELETE /v1/generations/{id}",
  "GET /v1/tools",
  "GET /v1/agents/runs",
  "GET /v1/agents/runs/{id}",
  "POST /v1/agents/stream",
  "POST /v1/agents/runs/{id}/approve",
  "POST /v1/agents/runs/{id}/reject",
  "POST /v1/agents/runs/{id}/cancel",
  "POST /v1/live/ticket",
  "GET /admin/usage",
  "GET /admin/live",
  "GET /admin/budgets",
  "GET /admin/health",
  "GET /admin/keys",
  "POST /admin/keys",
  "POST /admin/keys/{id}/rotate",
  "DELETE /admin/keys/{id}",
] as const;

export type Route = (typeof ROUTES)[number];

/** What the API refused, in its own words. `status` is 0 when nobody answered at all. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly requestId: string | null,
    readonly retryAfter: number | null,
  ) {
    super(message);
    this.name = "Refused";
  }

  get unreachable(): boolean {
    return this.status === 0;
  }
}

export interface Asking {
  /** Parts of the path: {id} and {postId}. */
  path?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** An API key, or a person's ID token. */
  bearer?: string | null;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Milliseconds until an answer's head must be there; streams say 0. */
  patience?: number;
}

const PATIENCE_MS = 30_000;

/** Where a route is: /v1 as it is, everything else below the stage. */
export function address(route: Route, asking: Asking = {}): string {
  const declared = route.slice(route.indexOf(" ") + 1);
  const path = declared.replace(/{(\w+)}/g, (_, name: string) => encodeURIComponent(asking.path?.[name] ?? ""));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asking.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const rest = query.size ? `?${query}` : "";
  return (path.startsWith("/v1/") ? path : `/api${path}`) + rest;
}

/** The response of a route, if it is a success. Throws Refused. */
export async function respond(route: Route, asking: Asking = {}): Promise<Response> {
  const headers: Record<string, string> = { ...asking.headers };
  if (asking.body !== undefined) headers["content-type"] = "application/json";
  if (asking.bearer) headers.authorization = `Bearer ${asking.bearer}`;
  const patience = asking.patience ?? PATIENCE_MS;
  const signals = [asking.signal, patience ? AbortSignal.timeout(patience) : undefined].filter((each) => !!each);
  let response: Response;
  try {
    response = await fetch(address(route, asking), {
      method: route.slice(0, route.indexOf(" ")),
      headers,
      ...(asking.body === undefined ? {} : { body: JSON.stringify(asking.body) }),
      ...(signals.length ? { signal: AbortSignal.any(signals) } : {}),
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    const late = error instanceof DOMException && error.name === "TimeoutError";
    const words = late ? "The API has not answered in time." : "The API cannot be reached.";
    throw new Refused(words, 0, "unreachable", null, null);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

/** What a route answers. Throws Refused. */
export async function ask<Answer>(route: Route, asking: Asking = {}): Promise<Answer> {
  const response = await respond(route, asking);
  return response.status === 204 ? (undefined as Answer) : ((await response.json()) as Answer);
}

async function refusal(response: Response): Promise<Refused> {
  let words = `The API answered with status ${response.status}.`;
  let code = "";
  try {
    const told = (await response.json()) as { error?: string | { message?: string; code?: string }; code?: string; message?: string };
    const error = told.error;
    words = (typeof error === "string" ? error : error?.message) ?? told.message ?? words;
    code = told.code ?? (typeof error === "object" ? (error.code ?? "") : "");
  } catch {
    // a proxy's page, or nothing: the status says what there is to say
  }
  const after = Number(response.headers.get("retry-after"));
  return new Refused(words, response.status, code, response.headers.get("x-request-id"), after > 0 ? after : null);
}
