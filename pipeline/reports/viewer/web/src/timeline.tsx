// The timeline of a sample: its states second by second, what was asked, evidence and emission apart,
// the other tasks of its video, and the candidates that were turned down.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock } from "./clock";
import type { Loaded, Located, Refused, Sample } from "./data";
import { seconds, tint } from "./text";

/** What is chosen to be explained. */
export type Chosen =
  | { kind: "response"; rid: string }
  | { kind: "refused"; place: number }
  | { kind: "event"; place: number };

interface Piece {
  start_s: number;
  end_s: number;
  label: string;
  kind: string; // a class of the style sheet
  at_s?: number | undefined; // where a mark stands
  here?: boolean;
  act?: () => void;
}

interface Band {
  name: string;
  rows: Piece[][];
}

const ROW = 16;
const GAP = 7;
const RULER = 20;
const STATES = 30;
const MOST_ROWS = 6;
const LEAST_WIDTH = 3;
const HALF = 6; // of the shape of an instant, in pixels

export function Timeline(props: {
  loaded: Loaded;
  chosen: Chosen | null;
  choose: (chosen: Chosen) => void;
  other: (sampleId: string) => void;
  zoom: number;
}) {
  const { loaded, zoom } = props;
  const { sample } = loaded;
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<SVGGElement>(null);
  const [room, setRoom] = useState(800);
  useLayoutEffect(() => {
    const measure = (): void => {
      if (scroller.current) setRoom(Math.max(120, scroller.current.clientWidth));
    };
    measure();
    const watcher = new ResizeObserver(measure);
    if (scroller.current) watcher.observe(scroller.current);
    return () => watcher.disconnect();
  }, []);
  const first_s = sample.turns.starts[0] ?? 0;
  const last_s = Math.max(sample.duration_s, sample.turns.ends.at(-1) ?? 0);
  const width = room * zoom;
  const x = (time_s: number): number => (time_s / Math.max(last_s, 0.001)) * width;

  useEffect(() => {
    const move = (time_s: number): void => {
      const place = x(time_s);
      head.current?.setAttribute("transform", `translate(${place.toFixed(1)} 0)`);
      const element = scroller.current;
      if (element && zoom > 1 && (place < element.scrollLeft + 20 || place > element.scrollLeft + element.clientWidth - 40))
        element.scrollLeft = place - element.clientWidth / 3;
    };
    move(clock.time_s);
    return clock.listen(move);
  }, [sample, width]);

  const bands = bandsOf(props, last_s, width);
  let y = RULER + STATES + GAP;
  const placed = bands.map((band) => {
    const top = y;
    y += band.rows.length * ROW + GAP;
    return { band, top };
  });
  const seekAt = (event: MouseEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    clock.seek(((event.clientX - box.left) / box.width) * last_s);
  };
  return (
    <div class="timeline">
      <div class="names" aria-hidden="true">
        <svg width="100%" height={y}>
          <text class="name" x="0" y={RULER + STATES - 10}>
            states
          </text>
          {placed.map(({ band, top }) => (
            <text class="name" x="0" y={top + 12}>
              {band.name}
            </text>
          ))}
        </svg>
      </div>
      <div class="scroller" ref={scroller} tabIndex={0} role="region" aria-label="Timeline">
        <svg width={width} height={y} class="bands">
          <g onClick={seekAt}>
            <rect class="behind" x="0" y="0" width={width} height={y} />
            <Ruler last_s={last_s} x={x} height={y} width={width} />
            <States sample={sample} x={x} />
          </g>
          {first_s > 0 && <rect class="outside" x="0" y={RULER} width={x(first_s)} height={STATES} />}
          {placed.map(({ band, top }) => (
            <g key={band.name} role="group" aria-label={band.name}>
              <line class="rule" x1="0" x2={width} y1={top - GAP / 2} y2={top - GAP / 2} />
              {band.rows.map((row, number) =>
                row.map((piece) => (
                  <PieceShown piece={piece} x={x} y={top + number * ROW} width={width} />
                )),
              )}
            </g>
          ))}
          <g ref={head} class="head" aria-hidden="true">
            <line y1="0" y2={y} />
            <path d="M-5 0h10l-5 8z" />
          </g>
        </svg>
      </div>
    </div>
  );
}

function Ruler(props: { last_s: number; x: (s: number) => number; height: number; width: number }) {
  const { last_s, x, height, width } = props;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600];
  const step_s = steps.find((step) => x(step) >= 44) ?? 7200;
  const ticks = [];
  for (let time_s = 0; time_s < last_s; time_s += step_s) ticks.push(time_s);
  return (
    <g class="ruler" aria-hidden="true">
      {ticks.map((time_s) => (
        <>
          <line x1={x(time_s)} x2={x(time_s)} y1={RULER - 5} y2={height} />
          {x(time_s) < width - 24 && (
            <text x={x(time_s) + 3} y={12}>
              {time_s < 600 ? `${time_s} s` : `${Math.floor(time_s / 60)}:${String(time_s % 60).padStart(2, "0")}`}
            </text>
          )}
        </>
      ))}
    </g>
  );
}

/** A bar a turn: low in silence, half as high on standby, whole with a response. */
function States({ sample, x }: { sample: Sample; x: (s: number) => number }) {
  const { starts, ends, states } = sample.turns;
  const paths: Record<string, string> = { ".": "", "-": "", "#": "" };
  const heights: Record<string, number> = { ".": 8, "-": 18, "#": STATES };
  for (let turn = 0; turn < states.length; turn++) {
    const from = x(starts[turn]!);
    const wide = Math.max(0.5, x(ends[turn]!) - from - (x(1) > 5 ? 1 : 0));
    const mark = states[turn]!;
    paths[mark] += `M${from.toFixed(1)} ${RULER + STATES}v-${heights[mark]}h${wide.toFixed(1)}v${heights[mark]}z`;
  }
  return (
    <g>
      <path class="silence" d={paths["."]} />
      <path class="standby" d={paths["-"]} />
      <path class="response" d={paths["#"]} />
    </g>
  );
}

function PieceShown({ piece, x, y, width }: { piece: Piece; x: (s: number) => number; y: number; width: number }) {
  const instant = piece.end_s <= piece.start_s;
  const inset = instant ? HALF : 0; // so that no shape is cut at an end
  const from = Math.min(Math.max(x(piece.start_s), inset), width - Math.max(inset, LEAST_WIDTH));
  const wide = Math.max(LEAST_WIDTH, Math.min(width, x(piece.end_s)) - from);
  const at = piece.at_s === undefined ? null : Math.min(x(piece.at_s), width - 4);
  const marked = at !== null && !(instant && Math.abs(at - from) < 2 * HALF);
  const act = piece.act;
  return (
    <g
      class={`piece ${piece.kind}${piece.here ? " here" : ""}`}
      {...(act
        ? {
            role: "button",
            tabindex: 0, // an attribute of SVG has no capitals
            "aria-label": piece.label,
            "aria-pressed": piece.here ? "true" : "false",
            onClick: act,
            onKeyDown: (event: KeyboardEvent) => {
              if (event.key === "Enter") act();
            },
          }
        : { "aria-hidden": "true" })}
    >
      <title>{piece.label}</title>
      {instant ? (
        <path class="shape" d={`M${from} ${y + 1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z`} />
      ) : (
        <rect class="shape" x={from} y={y + 1} width={wide} height={ROW - 5} rx="2" />
      )}
      {marked && at > from + wide && <line class="until" x1={instant ? from : from + wide} x2={at} y1={y + 6.5} y2={y + 6.5} />}
      {marked && <path class="at" d={`M${at} ${y - 1}h3v${ROW - 1}h-3z`} />}
    </g>
  );
}

function bandsOf(
  props: {
    loaded: Loaded;
    chosen: Chosen | null;
    choose: (chosen: Chosen) => void;
    other: (sampleId: string) => void;
  },
  last_s: number,
  width: number,
): Band[] {
  const { sample, video } = props.loaded;
  const { chosen, choose, other } = props;
  const turnStart = (turn: number): number => sample.turns.starts[turn - sample.turns.first] ?? last_s;
  const bands: Band[] = [];
  const add = (name: string, pieces: Piece[]): void => {
    if (pieces.length) bands.push({ name, rows: packed(pieces, last_s, width) });
  };
  add(
    "asked",
    sample.questions.map((question) => ({
      start_s: question.asked_s,
      end_s: question.asked_s,
      label: `asked at ${seconds(question.asked_s)}: ${question.text}`,
      kind: "asked",
      act: () => clock.seek(question.asked_s),
    })),
  );
  const isChosen = (rid: string): boolean => chosen?.kind === "response" && chosen.rid === rid;
  add(
    "evidence",
    sample.responses.flatMap((response) => {
      const spans = response.evidence.length ? response.evidence : [response];
      return spans.map((span) => ({
        start_s: span.start_s,
        end_s: span.end_s,
        label: `evidence of “${response.text}”, ${spanText(span.start_s, span.end_s)}`,
        kind: "evidence",
        here: isChosen(response.rid),
        act: () => {
          choose({ kind: "response", rid: response.rid });
          clock.seek(span.start_s);
        },
      }));
    }),
  );
  add(
    "said",
    sample.responses.map((response) => {
      const said_s = turnStart(response.turn);
      return {
        start_s: said_s,
        end_s: Math.max(said_s, response.valid_until_s ?? said_s),
        at_s: said_s,
        label: `said at ${seconds(said_s)}: ${response.text}`,
        kind: "said",
        here: isChosen(response.rid),
        act: () => {
          choose({ kind: "response", rid: response.rid });
          clock.seek(said_s);
        },
      };
    }),
  );
  const tasks = new Map<string, Sample[]>();
  for (const each of video.samples) {
    if (each !== sample) tasks.set(each.task, [...(tasks.get(each.task) ?? []), each]);
  }
  for (const [task, samples] of tasks) {
    add(
      task,
      samples.flatMap((each) =>
        each.responses.length
          ? each.responses.map((response) => ({
              start_s: response.start_s,
              end_s: response.end_s,
              at_s: each.turns.starts[response.turn - each.turns.first],
              label: `another sample, ${task}: ${response.text}`,
              kind: `other t${tint(task)}`,
              act: () => other(each.sample_id),
            }))
          : [
              {
                start_s: each.questions[0]?.asked_s ?? 0,
                end_s: each.questions[0]?.asked_s ?? 0,
                label: `another sample, ${task}, silence is right: ${each.questions[0]?.text ?? ""}`,
                kind: `other t${tint(task)}`,
                act: () => other(each.sample_id),
              },
            ],
      ),
    );
  }
  add(
    "located again",
    video.events.flatMap((event, place) => located(event, place, chosen, choose)),
  );
  add(
    "refused",
    video.refused.flatMap((each, place) => (each.absent ? [] : turnedDown(each, place, chosen, choose))),
  );
  add(
    "left out",
    video.refused.flatMap((each, place) =>
      each.absent && each.spans.length ? turnedDown(each, place, chosen, choose) : [],
    ),
  );
  return bands;
}

function located(event: Located, place: number, chosen: Chosen | null, choose: (chosen: Chosen) => void): Piece[] {
  const act = (): void => {
    choose({ kind: "event", place });
    clock.seek(event.start_s);
  };
  const here = chosen?.kind === "event" && chosen.place === place;
  const end = event.kept ? "kept" : `not kept: ${event.reason}`;
  const label = `${event.caption}, ${spanText(event.start_s, event.end_s)}, IoU ${event.iou.toFixed(2)}, ${end}`;
  const kind = event.kept ? "event" : "event no";
  const found = event.grounded_start_s ?? event.start_s;
  return [{ start_s: event.start_s, end_s: event.end_s, at_s: found, label, kind, here, act }];
}

function turnedDown(refused: Refused, place: number, chosen: Chosen | null, choose: (chosen: Chosen) => void): Piece[] {
  const here = chosen?.kind === "refused" && chosen.place === place;
  const label = `${refused.absent ? "left out" : "refused"} by ${refused.node}, ${refused.reason}: ${refused.text}`;
  const spans: [number, number][] = refused.spans.length ? refused.spans : [[0, 0]];
  return spans.map(([start_s, end_s]) => ({
    start_s,
    end_s,
    label,
    kind: "no",
    here,
    act: () => {
      choose({ kind: "refused", place });
      clock.seek(start_s);
    },
  }));
}

/** Pieces in as few rows as let none lie upon another; the last row takes what is left. */
function packed(pieces: Piece[], last_s: number, width: number): Piece[][] {
  const least_s = (14 / width) * last_s;
  const rows: { end_s: number; pieces: Piece[] }[] = [];
  for (const piece of [...pieces].sort((a, b) => a.start_s - b.start_s)) {
    const end_s = Math.max(piece.end_s, piece.at_s ?? 0, piece.start_s + least_s);
    let row = rows.find((each) => each.end_s <= piece.start_s);
    if (!row && rows.length < MOST_ROWS) rows.push((row = { end_s: 0, pieces: [] }));
    row ??= rows.at(-1)!;
    row.end_s = Math.max(row.end_s, end_s);
    row.pieces.push(piece);
  }
  return rows.map((row) => row.pieces);
}

export function spanText(start_s: number, end_s: number): string {
  return end_s > start_s ? `${Number(start_s.toFixed(2))} to ${seconds(end_s)}` : `at ${seconds(start_s)}`;
}
