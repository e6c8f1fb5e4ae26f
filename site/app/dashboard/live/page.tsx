import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Live } from "./live";

export const metadata: Metadata = { title: "Live", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="dashboard">
      <Live />
    </Shell>
  );
}
