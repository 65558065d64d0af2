// The states of a sample in little.

const HEIGHTS: Record<string, number> = { ".": 3, "-": 7, "#": 12 };
const NAMES: [string, string][] = [
  [".", "silence"],
  ["-", "standby"],
  ["#", "response"],
];

/** One path a state: a bar a turn, low in silence, high with a response. */
export function Strip({ states }: { states: string }) {
  return (
    <svg class="strip" viewBox={`0 0 ${states.length} 12`} preserveAspectRatio="none" aria-hidden="true">
      {NAMES.map(([mark, name]) => (
        <path class={name} d={bars(states, mark)} />
      ))}
    </svg>
  );
}

function bars(states: string, mark: string): string {
  const height = HEIGHTS[mark]!;
  let path = "";
  for (let at = 0; at < states.length; at++) {
    if (states[at] === mark) path += `M${at} 12v-${height}h1v${height}z`;
  }
  return path;
}
