"use client";

import { useEffect, useState, type FormEvent } from "react";

import { ask, Refused } from "@/lib/api";
import { ago, many, usd } from "@/lib/format";
import { keepKey } from "@/lib/session";
import type { Key, KeyOfUser } from "@/lib/shapes";
import { Admin } from "@/parts/admin";
import { Copy, Refusal, Waiting } from "@/parts/told";
import { useAnswer } from "@/parts/use";

const SCOPES = ["ai:complete", "ai:embed", "agent:run", "usage:read", "budget:write", "keys:write"];

type Shown = Key & { apiKey: string };

export function Keys() {
  return <Admin view="Keys">{(token) => <View token={token} />}</Admin>;
}

function View({ token }: { token: string }) {
  const { data, error, again } = useAnswer<{ data: Key[] }>("GET /admin/keys", { bearer: token });
  const [shown, setShown] = useState<Shown | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);

  const act = async (work: () => Promise<Shown | Key>) => {
    setRefused(null);
    try {
      const told = await work();
      setShown("apiKey" in told ? told : null);
      again();
    } catch (failure) {
      setRefused(failure as Refused);
    }
  };

  return (
    <div className="stack">
      {shown ? <Once key={shown.apiKey} made={shown} away={() => setShown(null)} /> : null}
      {refused ? <Refusal error={refused} /> : null}
      <div className="two before">
        <NewKey make={(body) => act(() => ask<Shown>("POST /admin/keys", { bearer: token, body }))} />
        <section className="stack tight" aria-labelledby="keys">
          <h2 id="keys">Keys</h2>
          {error ? <Refusal error={error} retrying /> : null}
          {data ? <Table keys={data.data} act={act} token={token} /> : error ? null : <Waiting />}
        </section>
      </div>
    </div>
  );
}

/** A key's secret, this once: it is kept nowhere, neither here nor there. */
function Once({ made, away }: { made: Shown; away: () => void }) {
  const [origin, setOrigin] = useState("");
  const [used, setUsed] = useState(false);
  useEffect(() => setOrigin(location.origin), []);
  const curl = `curl ${origin}/v1/chat/completions \\\n  -H "Authorization: Bearer ${made.apiKey}" \\\n  -H "Content-Type: application/json" \\\n  -d '{"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello!"}]}'`;
  return (
    <section className="card secret" aria-labelledby="once" role="status">
      <h2 id="once">The key, shown this once</h2>
      <code data-test="secret">{made.apiKey}</code>
      <p className="soft">It is kept nowhere. Whoever loses it gives “{made.name}” another secret.</p>
      <div className="row">
        <Copy text={made.apiKey}>Copy the key</Copy>
        <Copy text={curl}>Copy a curl with it</Copy>
        <button type="button" className="button quiet slim" disabled={used} onClick={() => {
          keepKey(made.apiKey);
          setUsed(true);
        }}>{used ? "This tab has it" : "Use it in this tab"}</button>
        <button type="button" className="button quiet slim" onClick={away}>I have it</button>
      </div>
      <pre tabIndex={0} aria-label="curl"><code data-test="curl">{curl}</code></pre>
    </section>
  );
}

function NewKey({ make }: { make: (body: KeyOfUser) => Promise<void> }) {
  const [user, setUser] = useState("");
  const [name, setName] = useState("");
  const [budget, setBudget] = useState("10");
  const [daily, setDaily] = useState("");
  const [scopes, setScopes] = useState(["ai:complete", "usage:read"]);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const body: KeyOfUser = { userId: user.trim(), name: name.trim(), scopes, monthlyBudget: budget === "" ? null : Number(budget) };
    if (daily !== "") body.dailyCap = Number(daily);
    await make(body);
    setBusy(false);
  };

  return (
    <form className="form" onSubmit={submit} aria-labelledby="new-key">
      <h2 id="new-key">A new key</h2>
      <label className="field"><span>User</span><input value={user} required maxLength={100} pattern="[A-Za-z0-9._@+\-]+" onChange={(event) => setUser(event.target.value)} /><small>Whose usage it counts as.</small></label>
      <label className="field"><span>Name</span><input value={name} required maxLength={100} onChange={(event) => setName(event.target.value)} /></label>
      <div className="pair">
        <label className="field"><span>USD a month</span><input type="number" min={0} step="any" value={budget} onChange={(event) => setBudget(event.target.value)} /></label>
        <label className="field"><span>USD a day</span><input type="number" min={0} step="any" value={daily} placeholder="no cap" onChange={(event) => setDaily(event.target.value)} /></label>
      </div>
      <fieldset>
        <legend>It may</legend>
        {SCOPES.map((scope) => (
          <label key={scope} className="check">
            <input type="checkbox" checked={scopes.includes(scope)} onChange={(event) => setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((each) => each !== scope))} />
            <code>{scope}</code>
          </label>
        ))}
      </fieldset>
      <div><button className="button" type="submit" disabled={busy || !scopes.length}>Create</button></div>
    </form>
  );
}

function Table({ keys, act, token }: { keys: Key[]; act: (work: () => Promise<Shown | Key>) => Promise<void>; token: string }) {
  const [asked, setAsked] = useState<string | null>(null);
  if (!keys.length) return <p className="empty">There are no keys yet.</p>;
  const revoked = keys.filter((key) => key.revokedAt);
  return (
    <>
      <div className="table" tabIndex={0} role="region" aria-label="Table: keys">
        <table>
          <thead><tr><th scope="col">Name</th><th scope="col">User</th><th scope="col">Key</th><th scope="col" className="n">A month</th><th scope="col" className="n">Made</th><th scope="col">What to do</th></tr></thead>
          <tbody>
            {keys.filter((key) => !key.revokedAt).map((key) => (
              <tr key={key.keyId}>
                <th scope="row">{key.name}</th>
                <td>{key.userId}</td>
                <td><code>{key.keyId.replace("sk-proj-", "…")}</code></td>
                <td className="n">{key.monthlyBudget === null ? "no limit" : usd(key.monthlyBudget)}</td>
                <td className="n">{ago(key.createdAt)}</td>
                <td>
                  <div className="row">
                    <button type="button" className="button quiet slim" aria-label={`Rotate ${key.name}`} onClick={() => void act(() => ask<Shown>("POST /admin/keys/{id}/rotate", { bearer: token, path: { id: key.keyId }, body: {} }))}>Rotate</button>
                    {asked === key.keyId ? (
                      <button type="button" className="button bad slim" autoFocus aria-label={`Revoke ${key.name} for good`} onBlur={() => setAsked(null)} onClick={() => void act(() => ask<Key>("DELETE /admin/keys/{id}", { bearer: token, path: { id: key.keyId } }))}>For good?</button>
                    ) : (
                      <button type="button" className="button quiet slim" aria-label={`Revoke ${key.name}`} onClick={() => setAsked(key.keyId)}>Revoke</button>
                    )}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {revoked.length ? <p className="small soft">{many(revoked.length, "key")} revoked.</p> : null}
    </>
  );
}
