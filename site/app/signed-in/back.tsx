"use client";

import { useEffect, useRef, useState } from "react";

import { comeBack, signIn } from "@/lib/sign-in";
import { Refusal, Waiting } from "@/parts/told";

/** Where people come back from the sign-in page, with a code in the address that is good for one use. */
export function Back() {
  const [error, setError] = useState<Error | null>(null);
  const once = useRef(false);
  useEffect(() => {
    if (once.current) return;
    once.current = true;
    const query = new URLSearchParams(location.search);
    history.replaceState(null, "", location.pathname);
    comeBack(query).then(({ back }) => location.replace(back), setError);
  }, []);
  if (!error) return <Waiting>One moment</Waiting>;
  return (
    <div className="stack">
      <Refusal error={error} />
      <p><button type="button" className="button" onClick={() => void signIn()}>Sign in</button></p>
    </div>
  );
}
