import type { NextConfig } from "next";

/** Files and nothing else: no server renders, rewrites or scales a picture. */
const config: NextConfig = {
  output: "export",
  trailingSlash: true,
  reactStrictMode: true,
  poweredByHeader: false,
  images: { unoptimized: true },
};

export default config;
