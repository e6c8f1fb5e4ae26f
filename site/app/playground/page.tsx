import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Playground } from "./playground";

export const metadata: Metadata = { title: "Playground", description: "Ask any model, watch the answer being written, see what it cost." };

export default function Page() {
  return (
    <Shell here="playground">
      <div className="lead">
        <h1>Playground</h1>
        <p>Ask any model, watch the answer being written, see who answered and what it cost.</p>
      </div>
      <Playground />
    </Shell>
  );
}
