/** Every page, in light and dark and on a phone: nothing that axe finds, nothing that overflows, not too much script. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { AxeBuilder } from "@axe-core/playwright";

import { close, MODES, shot, signIn, tab, URL_ } from "./browser.mjs";

after(close);

const MOST_SCRIPT = 160 * 1024;
const OPEN = ["/", "/blog/", "/blog/what-a-hold-is/", "/blog/never-written/", "/sayings/", "/playground/", "/agents/", "/dashboard/", "/signed-in/", "/nothing-here/"];
const INSIDE = ["/dashboard/", "/dashboard/live/", "/dashboard/budgets/", "/dashboard/health/", "/dashboard/keys/"];

/** What keeps a page waiting has come, and every table of a chart is open. */
async function settled(page) {
  await page.waitForLoadState("networkidle").catch(() => undefined); // a page that looks every three seconds never is
  await page.waitForFunction(() => !document.querySelector("main .waiting"));
}

async function looked(page, path, name) {
  await page.goto(path);
  await settled(page);
  await shot(page, name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${path} is ${wide} pixels too wide`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  assert.deepEqual(violations.map((each) => `${path} ${each.id}: ${each.nodes.map((node) => node.target).join(", ")}`), []);
}

function named(mode, path) {
  return `${mode}${path.replace(/\W+/g, "-").replace(/-$/, "") || "-home"}`;
}

for (const mode of Object.keys(MODES)) {
  test(`axe finds nothing on any page that is open to all, ${mode}`, async () => {
    const page = await tab(mode, { key: true });
    for (const path of OPEN) await looked(page, path, named(mode, path));
    assert.deepEqual(page.complaints, []);
  });

  test(`axe finds nothing on the dashboard, ${mode}`, async () => {
    const page = await tab(mode);
    await signIn(page);
    for (const path of INSIDE) await looked(page, path, `${named(mode, path)}-inside`);
    assert.deepEqual(page.complaints, []);
  });
}

test("no page has more script than 160 KB, compressed", async () => {
  const sizes = {};
  for (const path of [...OPEN, ...INSIDE]) {
    const html = await (await fetch(URL_ + path)).text();
    const sources = [...html.matchAll(/<script[^>]*\ssrc="([^"]+)"[^>]*>/g)].filter(([tag]) => !/nomodule/i.test(tag)).map(([, source]) => source);
    const bodies = await Promise.all([...new Set(sources)].map(async (source) => (await fetch(URL_ + source)).arrayBuffer()));
    const inline = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, code]) => code).join("");
    sizes[path] = bodies.reduce((sum, body) => sum + gzipSync(Buffer.from(body)).length, gzipSync(inline).length);
  }
  console.log(sizes);
  assert.deepEqual(Object.entries(sizes).filter(([, size]) => size > MOST_SCRIPT), []);
});

test("nothing jumps while a page comes up", async () => {
  const page = await tab("phone");
  for (const path of OPEN) {
    await page.goto(path);
    await settled(page);
    const shift = await page.evaluate(() => new Promise((told) => {
      let sum = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((each) => (sum += each.hadRecentInput ? 0 : each.value))).observe({ type: "layout-shift", buffered: true });
      setTimeout(() => told(sum), 300);
    }));
    assert.ok(shift <= 0.1, `${path}: CLS ${shift}`);
  }
});

test("a person asks, votes, reads, and lets an agent work by the keyboard alone", async () => {
  const page = await tab("light", { key: true });
  await page.goto("/playground/");
  await page.waitForFunction(() => document.querySelectorAll("option").length > 5);
  await press(page, page.getByText("Skip to the content"));
  await press(page, page.getByRole("button", { name: "Ask", exact: true }));
  await page.locator(".badge", { hasText: "done" }).waitFor();

  await page.goto("/sayings/");
  await press(page, page.getByRole("button", { name: "Get a saying" }));
  await page.getByText("Source", { exact: true }).waitFor();
  await press(page, page.getByRole("button", { name: "Thumb up" }));
  await page.getByText("Counted. Thank you.").waitFor();

  await page.goto("/");
  await press(page, page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Blog" }));
  await page.waitForURL("**/blog/");
  await press(page, page.getByRole("link", { name: "What a hold is" }));
  await page.getByRole("heading", { level: 1, name: "What a hold is" }).waitFor();

  await page.goto("/agents/");
  await press(page, page.getByRole("checkbox", { name: "search" }), " ");
  await press(page, page.getByRole("button", { name: "Start" }));
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await press(page, page.getByRole("button", { name: "Approve" }));
  await page.locator(".timeline .done").waitFor({ timeout: 60_000 });
});

test("an operator goes through the dashboard and makes a key by the keyboard alone", async () => {
  const page = await tab();
  await signIn(page);
  for (const view of ["Live", "Budgets", "Health", "Usage", "Keys"]) {
    await press(page, page.getByRole("navigation", { name: "Dashboard" }).getByRole("link", { name: view }));
    await page.locator(`nav [aria-current="page"]`, { hasText: view }).waitFor();
  }
  await reach(page, page.getByLabel("User"));
  await page.keyboard.type("keyboard");
  await reach(page, page.getByLabel("Name"));
  await page.keyboard.type("by keys alone");
  await press(page, page.getByRole("button", { name: "Create" }));
  await page.getByRole("heading", { name: "The key, shown this once" }).waitFor();
});

/** Tab goes to it, and whoever looks sees where he is. */
async function reach(page, wanted) {
  await wanted.waitFor({ state: "attached" });
  for (let presses = 0; presses < 80; presses += 1) {
    if (await wanted.evaluate((each) => each === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${wanted} is not reached by Tab`);
}

async function press(page, wanted, key = "Enter") {
  await reach(page, wanted);
  await page.keyboard.press(key);
}

test("with the API down a page says so, and goes on when it is back", async () => {
  const page = await tab();
  await signIn(page);
  await page.goto("/dashboard/live/");
  await page.getByText("As of").waitFor();
  await page.route("**/api/**", (route) => route.abort());
  await page.getByRole("alert").filter({ hasText: "The API cannot be reached. This page goes on as soon as it answers." }).waitFor();
  assert.ok(await page.getByText("Runs at work").isVisible(), "what was known stays");
  await page.unroute("**/api/**");
  await page.getByText("As of").waitFor();
  assert.equal(await page.getByRole("alert").filter({ hasText: "reached" }).count(), 0);

  await page.route("**/public/**", (route) => route.abort());
  await page.goto("/");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.getByText("The API cannot be reached.").waitFor();
});

test("charts agree with their tables, and those with what was used", async () => {
  const page = await tab();
  await signIn(page);
  await page.locator('[data-test="charged"]').waitFor();
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem("drey.person")).token);
  const to = new Date().toISOString().slice(0, 10);
  const from = new Date(Date.now() - 29 * 86_400_000).toISOString().slice(0, 10);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${URL_}/api/admin/usage?${new URLSearchParams({ from, to, by: "day" })}`, { headers });
  const told = await answer.json();
  assert.ok(told.total.calls > 100, "the month is seeded");

  const chart = page.locator("figure", { has: page.getByRole("heading", { name: "Calls each day" }) });
  await chart.locator("summary").click();
  const rows = await chart.locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.equal(rows.length, 30);
  const inTable = rows.map(([, calls]) => Number(calls.replace(/,/g, "")));
  const byDay = new Map(told.data.map((line) => [line.day, line.calls]));
  const expected = Array.from({ length: 30 }, (_, back) => byDay.get(new Date(Date.parse(from) + back * 86_400_000).toISOString().slice(0, 10)) ?? 0);
  assert.deepEqual(inTable.slice(0, 29), expected.slice(0, 29)); // today may have grown meanwhile

  const heights = await chart.locator("svg rect").evaluateAll((all) => all.map((bar) => Number(bar.getAttribute("height"))));
  const shown = inTable.filter(Boolean);
  assert.equal(heights.length, shown.length);
  const scale = heights[0] / shown[0];
  heights.forEach((height, place) => assert.ok(Math.abs(height / shown[place] - scale) < 0.01 * scale + 0.8 / shown[place], "a bar is as high as its number"));
});
