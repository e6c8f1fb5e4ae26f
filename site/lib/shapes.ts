/** What goes over the wire: bodies named as in /v1/openapi.json's schemas, then answers. Money is USD, times UTC. */

export interface Completion {
  model?: string;
  messages: { role: "system" | "user" | "assistant"; content: string }[];
  maxTokens?: number;
  temperature?: number;
  systemPrompt?: string;
}

export interface Complete {
  prompt: string;
}

export interface Feedback {
  saying: string;
  source?: string;
  feedbackType: "POSITIVE" | "NEGATIVE";
  executionTime?: number;
  isCached?: boolean;
  originalLlmTime?: number;
}

export interface NewRun {
  type: string;
  input?: Record<string, unknown>;
  tools?: string[];
  budget?: number;
  role?: string;
  requireApproval?: string[];
}

export interface Word {
  hash?: string;
  reason?: string;
}

export interface KeyOfUser {
  userId: string;
  name: string;
  scopes: string[];
  monthlyBudget: number | null;
  dailyCap?: number | null;
}

// ---------------------------------------------------------------------------------------------------------- answers

export interface Model {
  id: string;
  root: string;
  display_name: string;
  owned_by: string;
  kind: string;
  context_length: number;
  max_output: number | null;
  capabilities: string[];
  pricing: { input: number | null; output: number | null };
  shutdown: string | null;
}

/** The last piece of a stream, and what a socket's `usage` frame has. */
export interface Account {
  model: string;
  provider: string;
  finishReason: string | null;
  usage: { inputTokens?: number; outputTokens?: number; totalTokens?: number; estimatedCost: number };
  latencyMs: number;
}

export interface Generation {
  id: string;
  status: string;
  outcome?: string;
  provider?: string;
  model?: string;
  charged?: number;
  estimated?: boolean;
  fallback?: boolean;
  attempts?: { provider: string; model: string; outcome: string; latency_ms: number | null; charged?: number }[];
}

export interface Saying {
  saying: string;
  source: string;
  metrics: { executionTime: number; isCached: boolean; originalLlmTime: number | null; tokens: number; cost: number };
}

export interface Liked {
  positive: number;
  negative: number;
  total: number;
  score: number;
  successRate: number | null;
}

export interface League {
  models: (Liked & { model: string; name: string; vendor: string; averageResponseTimeMs: number | null })[];
  services: (Liked & { service: string; name: string })[];
  asOf: string;
}

export interface Teaser {
  postId: string;
  slug: string;
  title: string;
  summary: string;
  tags: string[];
  author: string;
  publishedAt?: string;
  imageUrl?: string;
}

export interface Post extends Teaser {
  html: string;
  related?: Teaser[];
}

export type StepType = "think" | "tool_call" | "observation" | "approval" | "response" | "error" | "done";

export interface Step {
  type: StepType | "reconnect";
  seq: number;
  runId: string;
  ts: string;
  data: StepData;
}

export interface StepData {
  content?: string;
  toolName?: string;
  toolInput?: Record<string, unknown>;
  toolOutput?: unknown;
  callId?: string;
  isError?: boolean;
  cost?: number;
  tokens?: number;
  durationMs?: number;
  shown?: unknown;
  hash?: string;
  seconds?: number;
  decided?: string;
  status?: RunStatus;
  reason?: string;
  message?: string;
  [more: string]: unknown;
}

export interface Frame {
  type: "ack" | "delta" | "step" | "usage" | "done" | "error" | "pong";
  requestId?: string;
  runId?: string;
  seq: number;
  ts: string;
  data: StepData & { type?: string; error?: string; code?: string; statusCode?: number };
}

export type RunStatus = "running" | "awaiting_approval" | "succeeded" | "failed" | "cancelled";

export interface Run {
  runId: string;
  type: string;
  status: RunStatus;
  reason?: string;
  output?: Record<string, unknown>;
  approval?: { what: string; hash: string };
  cost: number;
  usage: { inputTokens: number; outputTokens: number; totalTokens: number };
  budget: number | null;
  tools: string[];
  createdAt: string;
}

export interface Tools {
  data: { name: string; description: string }[];
  agents: { type: string; description: string; input: string[]; tools: string[] }[];
}

export interface Used {
  calls: number;
  attempts: number;
  tokens: { input: number; output: number; total: number; [bucket: string]: number };
  cost: number;
  charged: number;
  estimated: number;
  cached: number;
  byok: { attempts: number; tokens: number; share: number | null };
  latency: { p50_ms: number | null; p95_ms: number | null };
}

export type UsedBy = Used & Partial<Record<"day" | "hour" | "model" | "provider" | "user" | "key" | "outcome" | "operation", string>>;

export interface Usage {
  from: string;
  to: string;
  by: string[];
  data: UsedBy[];
  total: Used;
  projection: { month: string; spent: number; projected: number; basis_days: number } | null;
}

export interface Live {
  asOf: string;
  runs: { runId: string; userId: string; type: string; status: RunStatus; cost: number; createdAt: string }[];
  queue: { calls: number; tools: number };
  latency: { minutes: number; attempts: number; p50_ms: number | null; p95_ms: number | null; p99_ms: number | null };
  errors: { hour: string; provider: string; model: string; outcome: string; attempts: number }[];
}

export interface Window {
  limit: number | null;
  spent: number;
  reserved: number;
  remaining: number | null;
  period: string;
  resetsAt: string | null;
  alerts: number[];
}

export interface Budgets {
  asOf: string;
  accounts: { account: string; parent: string | null; windows: Record<string, Window> }[];
  projections: { userId: string; month: string; spent: number; projected: number; basis_days: number }[];
  byok: Record<"platform" | "own", { attempts: number; tokens: number; charged: number }>;
}

export interface Health {
  asOf: string;
  candidates: number;
  breakers: { candidate: string; state: string; since: string | null }[];
  prices: { version: string; ageDays: number; longestDays: number };
  shutdowns: { model: string; provider: string; shutdown: string; days: number }[];
  measured: { starts: number | null; startMs: number | null; tableMs: number | null; apiMs: number | null; errors: number | null } | null;
  tables: { name: string; ms: number }[];
}

export interface Key {
  keyId: string;
  name: string;
  userId: string;
  scopes: string[];
  models: string[] | null;
  monthlyBudget: number | null;
  dailyCap: number | null;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  madeBy: string | null;
}
