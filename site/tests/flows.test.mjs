/** What a person can do here, from beginning to end. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { close, free, order, pace, shot, signIn, tab, URL_ } from "./browser.mjs";

after(close);

const run = promisify(execFile);

test("a person reads a post, and one that is newer than the build", async () => {
  const page = await tab();
  await page.goto("/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Blog" }).click();
  await page.getByRole("link", { name: "What a hold is" }).click();
  await page.getByRole("heading", { level: 1, name: "What a hold is" }).waitFor();
  assert.match(await page.locator(".prose").innerText(), /\w{4}/);

  const post = { postId: "p", slug: "new", title: "Newer than the build", html: "<p>Just now.</p>", tags: [], author: "Ada", publishedAt: "2026-11-28T00:00:00Z" };
  await page.route("**/api/blog/new", (route) => route.fulfill({ json: post }));
  await page.goto("/blog/new/");
  await page.getByRole("heading", { level: 1, name: "Newer than the build" }).waitFor();
  await page.goto("/blog/never-written/");
  await page.getByRole("heading", { level: 1, name: "There is no such post" }).waitFor();
  assert.deepEqual(page.complaints, []);
});

test("a person gets a saying and votes for it, once", async () => {
  const page = await tab();
  await page.goto("/sayings/");
  await page.getByRole("button", { name: "Get a saying" }).click();
  await page.getByText("Source", { exact: true }).waitFor();
  assert.notEqual(await page.locator(".saying").innerText(), "");
  const counted = page.waitForResponse((answer) => answer.url().endsWith("/api/feedback"));
  await page.getByRole("button", { name: "Thumb up" }).click();
  assert.equal((await counted).status(), 200);
  await page.getByText("Counted. Thank you.").waitFor();
  await shot(page, "flow-saying");
  assert.ok(await page.getByRole("button", { name: "Thumb down" }).isDisabled());
  assert.deepEqual(page.complaints, []);
});

test("a person streams an answer, and cancels another", async () => {
  const page = await tab("light", { key: true });
  await page.goto("/playground/");
  await page.getByLabel("Model or role").selectOption("claude-haiku-4-5");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.locator(".badge", { hasText: "done" }).waitFor();
  const cost = await page.locator('[data-test="cost"]').innerText();
  await shot(page, "flow-answer");
  assert.match(cost, /^\$0\.0*[1-9]/);
  assert.match(await page.locator(".answer").innerText(), /\w{4}/);

  await pace({ first_token_s: 0.05, between_tokens_s: 0.4 });
  try {
    await page.locator("textarea").first().fill("Tell me a long story about a nest.");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.locator(".answer.caret").waitFor();
    await page.waitForFunction(() => /\w{3}/.test(document.querySelector(".answer.caret")?.textContent ?? "") && !document.querySelector(".answer .soft"));
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator(".badge", { hasText: "cancelled" }).waitFor();
    await page.getByText("What was held for this call is charged").waitFor();
  } finally {
    await pace(null);
  }
  assert.deepEqual(page.complaints, []);
});

test("a person sees that another route answered, and who was asked before", async () => {
  const page = await tab("light", { key: true });
  await order({ kind: "status", code: 529 }, { provider: "anthropic", model: "claude-pool-ft" });
  try {
    await page.goto("/playground/");
    await page.getByLabel("Model or role").selectOption("claude-pool-ft");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.getByText("A fallback answered: the first choice could not.").waitFor();
  } finally {
    await free();
  }
  const asked = await page.getByRole("region", { name: "Table: attempts" }).locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.innerText));
  assert.ok(asked.length >= 2 && asked[0].startsWith("anthropic/"), asked.join(" | "));
  assert.match(asked.at(-1), /^bedrock\/.*\bok\b/s);
  await shot(page, "flow-fallback");
});

test("a person watches an agent, approves what it asks, and finds every step again after leaving", async () => {
  const page = await tab("light", { key: true });
  await page.goto("/agents/");
  await page.getByRole("checkbox", { name: "search" }).check();
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await shot(page, "flow-agent-asks");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.locator(".timeline .done").waitFor({ timeout: 60_000 });
  const steps = await page.locator(".timeline > li").count();
  assert.ok(steps >= 5, `${steps} steps`);
  assert.match(await page.locator('[data-test="run-cost"]').innerText(), /^\$0\.0*[1-9]/);

  await shot(page, "flow-agent-done");

  await page.reload(); // another tab, another day: the list has it, the socket tells it again
  await page.locator(".pick button").first().click();
  await page.locator(".timeline .done").waitFor();
  assert.equal(await page.locator(".timeline > li").count(), steps);
  assert.deepEqual(page.complaints, []);
});

test("a run whose socket breaks is told on where it was", async () => {
  const page = await tab("light", { key: true });
  let sockets = 0;
  await page.routeWebSocket(/\/live\?/, (socket) => {
    sockets += 1;
    const server = socket.connectToServer();
    let passed = 0;
    const first = sockets === 1;
    server.onMessage((message) => {
      if (first && (passed += 1) > 2) socket.close();
      else socket.send(message);
    });
  });
  await page.goto("/agents/");
  await page.locator(".pick button").first().click();
  await page.locator(".timeline .done").waitFor({ timeout: 60_000 });
  assert.ok(sockets >= 2, `${sockets} sockets`);
  const told = await page.locator(".timeline > li").evaluateAll((all) => all.map((each) => Number(each.dataset.seq)));
  assert.deepEqual(told, told.map((_, place) => place + 1), "each step once, in order");
});

test("a person creates a key, calls the API with the copied curl, and sees that call within five seconds", async () => {
  const page = await tab();
  await signIn(page);
  await page.getByRole("link", { name: "Keys" }).click();
  const user = `e2e-${Date.now()}`;
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Name").fill("from the dashboard");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "The key, shown this once" }).waitFor();
  await page.getByRole("button", { name: "Copy a curl with it" }).click();
  await shot(page, "flow-key");
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(curl.includes(`${URL_}/v1/chat/completions`));

  await page.getByRole("navigation", { name: "Dashboard" }).getByRole("link", { name: "Usage" }).click();
  await page.locator('[data-test="calls"]').waitFor();
  assert.equal(await page.getByText(user).count(), 0);
  const { stdout } = await run("bash", ["-c", curl.replace("curl ", "curl -sS ")]);
  const called = Date.now();
  assert.equal(JSON.parse(stdout).object, "chat.completion");
  await page.getByText(user).first().waitFor({ state: "attached", timeout: 5_000 });
  console.log(`seen after ${Date.now() - called} ms`);

  await page.getByRole("link", { name: "Keys" }).click();
  await page.getByRole("row", { name: user }).getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("button", { name: /for good/ }).click();
  await page.getByRole("row", { name: user }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${URL_}/`);
  assert.equal(await page.evaluate(() => Object.values(localStorage).concat(Object.values(sessionStorage)).some((each) => each.startsWith("sk-proj-"))), false);
  assert.deepEqual(page.complaints, []);
});
