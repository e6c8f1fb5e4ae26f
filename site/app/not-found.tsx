import type { Metadata } from "next";

import { Shell } from "@/parts/shell";

export const metadata: Metadata = { title: "Nothing here" };

export default function NotFound() {
  return (
    <Shell here="none">
      <div className="lead">
        <h1>There is no page here</h1>
        <p>The nest is empty. Maybe the page moved, or the address has a slip in it.</p>
      </div>
      <p className="row">
        <a className="button" href="/">Go home</a>
        <a className="button quiet" href="/blog/">Read the blog</a>
      </p>
    </Shell>
  );
}
