/** What all browser tests share: Chromium, a person who signs in as people do, and no page that complains. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

export const URL_ = need("DREY_URL");
export const KEY = need("DREY_KEY");
export const PERSON = need("DREY_PERSON").split(" ");
const UNDERSTUDY = need("DREY_UNDERSTUDY");
const SHOTS = need("DREY_SHOTS");

export const MODES = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true },
};

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;

export async function open() {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
  return browser;
}

export async function close() {
  await browser?.close();
}

/** A fresh tab, with the platform's key in it if `key`. `tab.complaints` is what pages wrote on their console. */
export async function tab(mode = "light", { key = false } = {}) {
  const context = await (await open()).newContext({ ...MODES[mode], baseURL: URL_, permissions: ["clipboard-read", "clipboard-write"], reducedMotion: "reduce" });
  if (key) await context.addInitScript((value) => sessionStorage.getItem("drey.key") ?? sessionStorage.setItem("drey.key", value), KEY);
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    const expected = /Failed to load resource/.test(message.text());
    if (message.type() === "error" && !expected) page.complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.setDefaultTimeout(30_000);
  return page;
}

/** By the user pool's own page, with a password. */
export async function signIn(page) {
  await page.goto("/dashboard/");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.origin !== new URL(URL_).origin);
  await page.locator('input[name="username"]').fill(PERSON[0]);
  await page.locator('input[name="password"]').fill(PERSON[1]);
  await page.locator('[type="submit"]').first().click();
  await page.waitForURL(`${URL_}/dashboard/`);
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export async function shot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** How fast the understudy speaks; null for its usual pace. */
export async function pace(seconds) {
  const where = `${UNDERSTUDY}/_understudy/pace`;
  const answer = await fetch(where, seconds === null ? { method: "DELETE" } : { method: "POST", body: JSON.stringify(seconds) });
  assert.ok(answer.ok, await answer.text());
}

/** Tell the understudy to misbehave towards a model, until `free`. */
export async function order(fault, where) {
  const answer = await fetch(`${UNDERSTUDY}/_understudy/orders`, { method: "POST", body: JSON.stringify({ fault, ...where }) });
  assert.ok(answer.ok, await answer.text());
}

export async function free() {
  await fetch(`${UNDERSTUDY}/_understudy/orders`, { method: "DELETE" });
}

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by \`make site-test\``);
  return value;
}
