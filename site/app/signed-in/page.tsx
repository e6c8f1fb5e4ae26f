import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Back } from "./back";

export const metadata: Metadata = { title: "Signing in", robots: { index: false } };

export default function Page() {
  return (
    <Shell here="none">
      <h1>Signing in</h1>
      <Back />
    </Shell>
  );
}
