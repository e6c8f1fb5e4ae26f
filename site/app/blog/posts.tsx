"use client";

import { useEffect, useState } from "react";

import { respond } from "@/lib/api";
import { date } from "@/lib/format";
import type { Teaser } from "@/lib/shapes";

type Known = Pick<Teaser, "slug" | "title" | "summary" | "tags"> & Partial<Teaser>;

/** The posts of the build at once; then what is published now. Without the API the first list stays. */
export function Posts({ known }: { known: Known[] }) {
  const [posts, setPosts] = useState(known);
  const [cursor, setCursor] = useState<string | null>(null);

  const load = async (after: string | null, before: Known[]) => {
    const response = await respond("GET /blog", { query: { limit: 30, cursor: after ?? undefined } });
    setPosts([...before, ...((await response.json()) as Teaser[])]);
    setCursor(response.headers.get("x-next-cursor"));
  };

  useEffect(() => {
    load(null, []).catch(() => undefined);
  }, []);

  return (
    <>
      <ul className="posts">
        {posts.map((post) => (
          <li key={post.slug}>
            <h2><a href={`/blog/${post.slug}/`}>{post.title}</a></h2>
            <p className="soft">{post.summary}</p>
            <p className="row small soft">
              {post.publishedAt ? <time dateTime={post.publishedAt}>{date(post.publishedAt)}</time> : null}
              {post.tags.map((tag) => <span key={tag} className="tag">{tag}</span>)}
            </p>
          </li>
        ))}
      </ul>
      {posts.length ? null : <p className="empty">Nothing is published yet.</p>}
      {cursor ? <p><button type="button" className="button quiet" onClick={() => void load(cursor, posts)}>Older posts</button></p> : null}
    </>
  );
}
