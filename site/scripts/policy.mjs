/**
 * What an export still lacks, and what it has too much of.
 *
 * A content security policy for each exported page: its own inline scripts by their hashes, and nothing else inline.
 *
 * What belongs to all pages (who may be asked, who may frame them) is a header, in stacks/frontend.yaml. Links here are
 * plain links, so the payloads of Next's own router, and its second copy of the page for nothing there, go away.
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = new URL("../out", import.meta.url).pathname;
const INLINE = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g;
const PLACE = /<meta charSet="utf-8"\/>/i;

rmSync(join(OUT, "404.html"), { force: true });
rmSync(join(OUT, "_not-found"), { recursive: true, force: true });

for (const entry of readdirSync(OUT, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  if (entry.name.endsWith(".txt") && entry.name !== "robots.txt") rmSync(file);
  if (!entry.name.endsWith(".html")) continue;
  const html = readFileSync(file, "utf8");
  if (/<[^>]+\sstyle="/.test(html.replace(INLINE, ""))) throw new Error(`${file}: a style attribute, which the policy forbids`);
  const hashes = [...html.matchAll(INLINE)].map(([, code]) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`);
  const policy = [
    "default-src 'self'",
    `script-src 'self' ${[...new Set(hashes)].join(" ")}`.trim(),
    "style-src 'self'",
    "img-src 'self' https: data:",
    "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
  if (!PLACE.test(html)) throw new Error(`${file}: no place for the policy`);
  writeFileSync(file, html.replace(PLACE, (found) => `${found}<meta http-equiv="Content-Security-Policy" content="${policy}"/>`));
}
