// What is asked and said, turn by turn; it follows the time.
import { useCallback, useEffect, useRef } from "preact/hooks";
import { clock, useClock } from "./clock";
import type { Sample } from "./data";
import { turnAt } from "./player";
import type { Chosen } from "./timeline";
import { seconds } from "./text";

interface Line {
  turn: number;
  time_s: number;
  who: "asked" | "said";
  text: string;
  rid: string;
  notes: string[];
}

export function linesOf(sample: Sample): Line[] {
  const { asked, said, starts, flags } = sample.turns;
  const responses = new Map(sample.responses.map((response) => [response.rid, response]));
  const lines: Line[] = [];
  for (let turn = 0; turn < starts.length; turn++) {
    const time_s = starts[turn]!;
    const question = asked[turn];
    if (question) {
      const late = (flags[turn] ?? []).filter((flag) => flag === "late_question" || flag === "carried");
      lines.push({ turn, time_s, who: "asked", text: question, rid: "", notes: late });
    }
    const found = said[turn];
    if (!found) continue;
    for (const rid of found[1]) {
      const response = responses.get(rid);
      if (response) lines.push({ turn, time_s, who: "said", text: response.text, rid, notes: response.flags });
    }
  }
  return lines;
}

export function Dialogue(props: { sample: Sample; chosen: Chosen | null; choose: (chosen: Chosen) => void }) {
  const { sample, chosen, choose } = props;
  const lines = linesOf(sample);
  const list = useRef<HTMLOListElement>(null);
  const turn = useClock(useCallback((time_s: number) => turnAt(sample.turns.starts, time_s), [sample]));
  const now = lines.filter((line) => line.turn <= turn).at(-1);
  const current = now ? now.turn : -1;
  useEffect(() => {
    const box = list.current;
    const found = box?.querySelector<HTMLElement>(".now");
    if (!box || !found) return;
    const top = found.offsetTop - box.offsetTop;
    if (top < box.scrollTop || top + found.offsetHeight > box.scrollTop + box.clientHeight)
      box.scrollTop = top - box.clientHeight / 3;
  }, [current, sample]);
  return (
    <ol class="dialogue" ref={list} aria-label="Dialogue" tabIndex={0}>
      {lines.map((line) => {
        const here = chosen?.kind === "response" && chosen.rid === line.rid;
        const when = line.turn === current ? " now" : line.turn > turn ? " later" : "";
        return (
          <li class={`${line.who}${when}${here ? " here" : ""}`}>
            <button
              type="button"
              aria-current={line.turn === current ? "true" : undefined}
              onClick={() => {
                if (line.rid) choose({ kind: "response", rid: line.rid });
                clock.seek(line.time_s);
              }}
            >
              <span class="when">
                {seconds(line.time_s)} {line.who}
              </span>
              <span class="what">{line.text}</span>
              {line.notes.map((note) => (
                <span class="tag">{note}</span>
              ))}
            </button>
          </li>
        );
      })}
      {sample.is_negative && <li class="plain">Negative: what is asked for does not occur, so nothing is said.</li>}
    </ol>
  );
}
