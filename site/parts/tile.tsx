/** One number that an operator looks for, and what it is of. */

export function Tile({ name, value, more, test }: { name: string; value: string; more?: string; test?: string }) {
  return (
    <div className="tile" {...(test ? { "data-test": test } : {})}>
      <span className="name">{name}</span>
      <span className="value">{value}</span>
      {more ? <span className="more">{more}</span> : null}
    </div>
  );
}
