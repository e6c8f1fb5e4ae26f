import type { Metadata } from "next";

import { Shell } from "@/parts/shell";
import { Agents } from "./agents";

export const metadata: Metadata = { title: "Agents", description: "Start an agent, watch each step as it happens, allow or refuse what it asks." };

export default function Page() {
  return (
    <Shell here="agents">
      <div className="lead">
        <h1>Agents</h1>
        <p>Start one, watch each step as it happens, allow or refuse what it asks for.</p>
      </div>
      <Agents />
    </Shell>
  );
}
