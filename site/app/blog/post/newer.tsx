"use client";

import { useEffect, useState } from "react";

import { date } from "@/lib/format";
import type { Post } from "@/lib/shapes";
import { Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

export function Newer() {
  const [slug, setSlug] = useState<string | null>(null);
  useEffect(() => setSlug(decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "")), []);
  const { data, error } = useAnswer<Post>(slug ? "GET /blog/{postId}" : null, { path: { postId: slug ?? "" } });
  useEffect(() => {
    if (data) document.title = `${data.title} · Drey`;
  }, [data]);

  if (error?.status === 404) {
    return (
      <div className="lead">
        <h1>There is no such post</h1>
        <p>It may have been taken back. <a href="/blog/">Here are the others.</a></p>
      </div>
    );
  }
  if (!data) {
    return (
      <article className="post">
        <h1>Blog</h1>
        {error ? <Refusal error={error} retrying /> : <Waiting>Fetching the post</Waiting>}
      </article>
    );
  }
  return (
    <article className="post">
      <header className="stack tight">
        <p className="small"><a href="/blog/">Blog</a></p>
        <h1>{data.title}</h1>
        <p className="row small soft">
          {data.publishedAt ? <time dateTime={data.publishedAt}>{date(data.publishedAt)}</time> : null}
          <span>{data.author}</span>
          {data.tags.map((tag) => <span key={tag} className="tag">{tag}</span>)}
        </p>
      </header>
      {/* sanitised by the API when the post was written */}
      <div className="prose" dangerouslySetInnerHTML={{ __html: data.html }} />
      {data.related?.length ? (
        <aside className="stack tight">
          <h2>Related</h2>
          <ul>{data.related.map((each) => <li key={each.slug}><a href={`/blog/${each.slug}/`}>{each.title}</a></li>)}</ul>
        </aside>
      ) : null}
    </article>
  );
}
