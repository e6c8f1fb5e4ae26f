"use client";

/** The frame of the dashboard: its five views, and nothing of them before somebody has signed in who may see them. */

import { useState, type ReactNode } from "react";

import { signIn, signOut } from "@/lib/sign-in";
import { Refusal, Waiting } from "./told";
import { usePerson } from "./use";

const VIEWS = [
  ["", "Usage"],
  ["live/", "Live"],
  ["budgets/", "Budgets"],
  ["health/", "Health"],
  ["keys/", "Keys"],
] as const;

export function Admin({ view, children }: { view: (typeof VIEWS)[number][1]; children: (token: string) => ReactNode }) {
  const person = usePerson();
  const [error, setError] = useState<Error | null>(null);
  return (
    <>
      <div className="title">
        <h1>Dashboard</h1>
        {person ? (
          <p className="row small soft">
            <span>{person.name}</span>
            <button type="button" className="button quiet slim" onClick={() => void signOut()}>Sign out</button>
          </p>
        ) : null}
      </div>
      <nav aria-label="Dashboard">
        <ul className="tabs">
          {VIEWS.map(([where, name]) => (
            <li key={name}><a href={`/dashboard/${where}`} {...(name === view ? { "aria-current": "page" as const } : {})}>{name}</a></li>
          ))}
        </ul>
      </nav>
      {person === undefined ? <Waiting /> : null}
      {person === null ? (
        <div className="card">
          <h2>For people of the group admin</h2>
          <p className="soft">Every number here comes from the ledger, never from a model, and every look at it is written down.</p>
          <p><button type="button" className="button" onClick={() => void signIn().catch(setError)}>Sign in</button></p>
          {error ? <Refusal error={error} /> : null}
        </div>
      ) : null}
      {person ? children(person.token) : null}
    </>
  );
}
