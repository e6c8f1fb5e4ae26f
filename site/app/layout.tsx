import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";

import "./tokens.css";
import "./site.css";

export const metadata: Metadata = {
  title: { default: "Drey: an LLM platform in your own AWS account", template: "%s · Drey" },
  description: "The API your SDK already speaks, every call priced and written down, budgets that cannot be overspent, and next to nothing to pay while nobody asks.",
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fffdf8" },
    { media: "(prefers-color-scheme: dark)", color: "#1e1911" },
  ],
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" data-theme="light" suppressHydrationWarning>
      <head>
        {/* before the first paint */}
        <script src="/theme.js" />
      </head>
      <body>{children}</body>
    </html>
  );
}
