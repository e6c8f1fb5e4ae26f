import type { Metadata } from "next";
import { notFound } from "next/navigation";

import { built } from "@/lib/posts";
import { Shell } from "@/parts/shell";

interface Asked {
  params: Promise<{ slug: string }>;
}

export const dynamicParams = false;

export function generateStaticParams() {
  return built().map(({ slug }) => ({ slug }));
}

async function post({ params }: Asked) {
  const { slug } = await params;
  return built().find((each) => each.slug === slug) ?? notFound();
}

export async function generateMetadata(asked: Asked): Promise<Metadata> {
  const { title, summary } = await post(asked);
  return { title, description: summary };
}

export default async function Post(asked: Asked) {
  const { title, tags, html } = await post(asked);
  return (
    <Shell here="blog">
      <article className="post">
        <header className="stack tight">
          <p className="small"><a href="/blog/">Blog</a></p>
          <h1>{title}</h1>
          <p className="row">{tags.map((tag) => <span key={tag} className="tag">{tag}</span>)}</p>
        </header>
        {/* made of Markdown and sanitised by the API's own renderer */}
        <div className="prose" dangerouslySetInnerHTML={{ __html: html }} />
      </article>
    </Shell>
  );
}
