import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Keys } from "./keys";

export const metadata: Metadata = { title: "Keys", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="dashboard">
      <Keys />
    </Shell>
  );
}
