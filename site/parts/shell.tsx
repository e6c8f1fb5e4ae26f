/** What every page has around it. */

import type { ReactNode } from "react";

import { Nest } from "./icons";
import { Theme } from "./theme";

const PLACES = [
  ["playground", "Playground"],
  ["agents", "Agents"],
  ["dashboard", "Dashboard"],
  ["sayings", "Sayings"],
  ["blog", "Blog"],
] as const;

export type PlaceName = (typeof PLACES)[number][0] | "home" | "none";

export function Shell({ here, children }: { here: PlaceName; children: ReactNode }) {
  return (
    <>
      <a className="skip" href="#main">Skip to the content</a>
      <header className="top">
        <div className="top-in">
          <a className="brand" href="/" aria-label="Drey, home" {...(here === "home" ? { "aria-current": "page" as const } : {})}>
            <Nest />
            Drey
          </a>
          <nav aria-label="Main">
            <ul className="places">
              {PLACES.map(([place, name]) => (
                <li key={place}>
                  <a href={`/${place}/`} {...(here === place ? { "aria-current": "page" as const } : {})}>{name}</a>
                </li>
              ))}
            </ul>
          </nav>
          <Theme />
        </div>
      </header>
      <main id="main" tabIndex={-1}>{children}</main>
      <footer className="foot">
        <div className="foot-in">
          <span>Drey runs in your own AWS account. A drey is a squirrel’s nest.</span>
          <span className="row">
            <a href="/v1/openapi.json">API description</a>
            <a href="/api/blog/rss.xml">RSS</a>
          </span>
        </div>
      </footer>
    </>
  );
}
