"use client";

import { Moon, Sun } from "./icons";

/** Light or dark, kept for this browser. public/theme.js shows it before the first paint. */
export function Theme() {
  const turn = () => {
    const root = document.documentElement;
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    localStorage.setItem("drey.theme", next);
  };
  return (
    <button type="button" className="theme" onClick={turn} aria-label="Switch between light and dark" title="Light or dark">
      <Sun />
      <Moon />
    </button>
  );
}
