import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Health } from "./health";

export const metadata: Metadata = { title: "Health", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="dashboard">
      <Health />
    </Shell>
  );
}
