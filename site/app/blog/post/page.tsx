import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Newer } from "./newer";

export const metadata: Metadata = { title: "Post", robots: { index: false } };

/** Stands for every post that was published after the build: the edge leads /blog/<slug>/ here. */
export default function Post() {
  return (
    <Shell here="blog">
      <Newer />
    </Shell>
  );
}
