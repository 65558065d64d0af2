import type { ComponentChildren } from "preact";

type Column = [name: string, kind?: "number" | "bars"];

/** A table whose rows are given. With a region of that name it is as broad as it needs to be, and scrolls. */
export function Table({ columns, region, children }: { columns: Column[]; region?: string; children: ComponentChildren }) {
  const table = (
    <table>
      <thead>
        <tr>{columns.map(([name, kind]) => (name ? <th class={kind}>{name}</th> : <td class={kind} />))}</tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
  if (!region) return table;
  return (
    <div class="wide" tabIndex={0} role="region" aria-label={region}>
      {table}
    </div>
  );
}
