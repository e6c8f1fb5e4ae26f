/** The posts that are known when the site is built: content/posts.json, which `make site` writes from posts/. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Built {
  slug: string;
  title: string;
  summary: string;
  tags: string[];
  html: string;
}

export function built(): Built[] {
  const file = join(process.cwd(), "content", "posts.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Built[]) : [];
}
