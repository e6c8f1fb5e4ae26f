import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Usage } from "./usage";

export const metadata: Metadata = { title: "Usage", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="dashboard">
      <Usage />
    </Shell>
  );
}
