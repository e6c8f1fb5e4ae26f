import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Budgets } from "./budgets";

export const metadata: Metadata = { title: "Budgets", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="dashboard">
      <Budgets />
    </Shell>
  );
}
