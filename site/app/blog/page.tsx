import type { Metadata } from "next";

import { built } from "@/lib/posts";
import { Shell } from "@/parts/shell";
import { Posts } from "./posts";

export const metadata: Metadata = {
  title: "Blog",
  description: "How Drey is built, and what went wrong before it worked.",
  alternates: { types: { "application/rss+xml": "/api/blog/rss.xml" } },
};

export default function Blog() {
  // published in the order of their files, so the API tells the last one first
  const known = built().map(({ slug, title, summary, tags }) => ({ slug, title, summary, tags })).reverse();
  return (
    <Shell here="blog">
      <div className="column">
        <div className="lead">
          <h1>Blog</h1>
          <p>How Drey is built, and what went wrong before it worked.</p>
        </div>
        <Posts known={known} />
      </div>
    </Shell>
  );
}
