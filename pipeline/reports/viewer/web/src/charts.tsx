// Bars and curves whose numbers stand beside them as text.
import type { ComponentChildren } from "preact";

export interface Share {
  kind: string; // a class of the style sheet
  part: number;
}

/** One bar of several shares of a whole. */
export function Bar({ shares, whole }: { shares: Share[]; whole: number }) {
  let from = 0;
  return (
    <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="ground" width="100" height="10" />
      {shares.map(({ kind, part }) => {
        const wide = whole ? (100 * part) / whole : 0;
        from += wide;
        return part > 0 && <rect class={kind} x={from - wide} width={Math.max(wide, 0.4)} height="10" />;
      })}
    </svg>
  );
}

/** The colour of a kind, to stand before its name. */
export function Key({ kind }: { kind: string }) {
  return <span class={`key ${kind}`} />;
}

/** A row of a table whose last cell is a bar for ours above one for the paper's. */
export function Beside(props: { name: ComponentChildren; number: string; ours: number; paper: number | null; most: number; kind: string }) {
  const { name, number, ours, paper, most, kind } = props;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{number}</td>
      <td class="number">{`${(100 * ours).toFixed(1)}%`}</td>
      <td class="number pale">{paper === null ? "" : `${(100 * paper).toFixed(1)}%`}</td>
      <td class="bars">
        <Bar shares={[{ kind, part: ours }]} whole={most} />
        {paper !== null && <Bar shares={[{ kind: "paper", part: paper }]} whole={most} />}
      </td>
    </tr>
  );
}

const WIDTH = 560;
const HEIGHT = 170;
const LEFT = 8;
const BELOW = 20;

/** Bars of equal width from 0 to 1, with a line at a threshold; those below it are pale. */
export function Histogram({ bars, threshold, label }: { bars: number[]; threshold: number; label: string }) {
  const most = Math.max(1, ...bars);
  const wide = (WIDTH - 2 * LEFT) / bars.length;
  const high = HEIGHT - BELOW - 14;
  const x = LEFT + threshold * (WIDTH - 2 * LEFT);
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {bars.map((number, at) => {
        const tall = (number / most) * high;
        const out = (at + 1) / bars.length <= threshold + 1e-9;
        return (
          <g>
            <rect class={out ? "out" : "in"} x={LEFT + at * wide + 1} y={HEIGHT - BELOW - tall} width={wide - 2} height={tall} />
            {number > 0 && (
              <text class="value" x={LEFT + (at + 0.5) * wide} y={HEIGHT - BELOW - tall - 3} text-anchor="middle">
                {number}
              </text>
            )}
          </g>
        );
      })}
      <line class="axis" x1={LEFT} x2={WIDTH - LEFT} y1={HEIGHT - BELOW} y2={HEIGHT - BELOW} />
      {[0, 0.25, 0.5, 0.75, 1].map((tick) => (
        <text
          class="tick"
          x={LEFT + tick * (WIDTH - 2 * LEFT)}
          y={HEIGHT - 5}
          text-anchor={tick === 0 ? "start" : tick === 1 ? "end" : "middle"}
        >
          {tick}
        </text>
      ))}
      <line class="threshold" x1={x} x2={x} y1="0" y2={HEIGHT - BELOW} />
    </svg>
  );
}

/** A curve that starts at 0 and never falls. */
export function Curve({ xs, ys, label, end }: { xs: number[]; ys: number[]; label: string; end: string }) {
  const lastX = Math.max(xs.at(-1) ?? 1, 1e-9);
  const lastY = Math.max(ys.at(-1) ?? 1, 1e-9);
  const point = (at: number): string =>
    `${(LEFT + (xs[at]! / lastX) * (WIDTH - 2 * LEFT)).toFixed(1)} ${(HEIGHT - BELOW - (ys[at]! / lastY) * (HEIGHT - BELOW - 12)).toFixed(1)}`;
  const path = xs.map((_, at) => `L${point(at)}`).join("");
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <path class="area" d={`M${LEFT} ${HEIGHT - BELOW}${path}V${HEIGHT - BELOW}z`} />
      <path class="curve" d={`M${LEFT} ${HEIGHT - BELOW}${path}`} />
      <line class="axis" x1={LEFT} x2={WIDTH - LEFT} y1={HEIGHT - BELOW} y2={HEIGHT - BELOW} />
      <text class="tick" x={LEFT} y={HEIGHT - 5}>
        0
      </text>
      <text class="tick" x={WIDTH - LEFT} y={HEIGHT - 5} text-anchor="end">
        {end}
      </text>
    </svg>
  );
}

/** Where tenth, median and ninetieth percentile of offsets lie around 0. */
export function Whisker({ low, middle, high, most }: { low: number; middle: number; high: number; most: number }) {
  const x = (value: number): number => 50 + (Math.max(-most, Math.min(most, value)) / most) * 48;
  return (
    <svg class="whisker" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <line class="zero" x1="50" x2="50" y1="0" y2="12" />
      <rect class="in" x={x(low)} y="4" width={Math.max(0.8, x(high) - x(low))} height="4" />
      <rect class="middle" x={x(middle) - 0.6} y="1" width="1.2" height="10" />
    </svg>
  );
}
