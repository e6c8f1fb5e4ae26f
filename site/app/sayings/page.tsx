import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Sayings } from "./sayings";

export const metadata: Metadata = { title: "Sayings", description: "Witty analogies for AWS services, by four models. You vote." };

export default function Page() {
  return (
    <Shell here="sayings">
      <div className="lead">
        <h1>Sayings</h1>
        <p>Four models explain AWS by analogy. You say whether it was any good.</p>
      </div>
      <Sayings />
    </Shell>
  );
}
