/** The few pictures of this site: drawn in one hand, on a grid of 24, in the ink of the text around them. */

import type { ReactNode } from "react";

function Icon({ children, name }: { children: ReactNode; name?: string }) {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" className={name} aria-hidden="true">
      {children}
    </svg>
  );
}

export function Nest() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <path className="acorn" d="M10.500 13.500c-.5-5 2-8.500 5.500-8.500s6 3.500 5.500 8.500z" />
      <path className="stem" d="M16 5.500c0-1.500.6-2.700 2-3.500" />
      <path className="bowl" d="M3 14h26c.8 7.500-4.800 14-13 14S2.200 21.500 3 14z" />
      <path className="twig" d="M4.500 19c7.500 2.500 15.500 2.500 23 0M8 24c5.200 1.500 10.800 1.500 16 0M9 14.500l4 12M23 14.500l-4 12" />
    </svg>
  );
}

export const Sun = () => <Icon name="sun"><circle cx="12" cy="12" r="4" /><path d="M12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400" /></Icon>;
export const Moon = () => <Icon name="moon"><path d="M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z" /></Icon>;
export const Up = () => <Icon><path d="M7 11v9H4v-9zM7 11l4-8c1.700 0 2.500 1 2.500 2.500V9H19a2 2 0 0 1 2 2.300l-1.100 7A2 2 0 0 1 18 20H7" /></Icon>;
export const Down = () => <Icon><path d="M17 13V4h3v9zM17 13l-4 8c-1.700 0-2.500-1-2.500-2.500V15H5a2 2 0 0 1-2-2.300l1.100-7A2 2 0 0 1 6 4h11" /></Icon>;
export const Think = () => <Icon><path d="M12 3a6 6 0 0 0-4 10.500c.8.700 1 1.500 1 2.500h6c0-1 .2-1.800 1-2.500A6 6 0 0 0 12 3zM9.500 20h5" /></Icon>;
export const Wrench = () => <Icon><path d="M14.500 6.500a4 4 0 0 1 5-5l-2.500 2.500 1 2 2 1 2.500-2.500a4 4 0 0 1-5.500 5L7.500 19a2.100 2.100 0 0 1-3-3z" transform="translate(-1 1)" /></Icon>;
export const Eye = () => <Icon><path d="M2 12s3.500-7 10-7 10 7 10 7-3.500 7-10 7-10-7-10-7z" /><circle cx="12" cy="12" r="3" /></Icon>;
export const Hand = () => <Icon><path d="M12 9v4M12 17h.01M10.300 3.900 2.200 18a2 2 0 0 0 1.700 3h16.200a2 2 0 0 0 1.700-3L13.700 3.900a2 2 0 0 0-3.400 0z" /></Icon>;
export const Check = () => <Icon><path d="m5 13 4 4L19 7" /></Icon>;
export const Cross = () => <Icon><path d="M6 6l12 12M18 6 6 18" /></Icon>;
export const Words = () => <Icon><path d="M4 6h16M4 12h16M4 18h10" /></Icon>;
