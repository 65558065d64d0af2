// The samples of a run: filters, a list, and a grid of pictures; only what is in view is drawn.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { chunkOf, endsOf, load, type Index } from "./data";
import type { Decisions } from "./decisions";
import { ALL, COLUMNS, valuesOf, type Filter } from "./filter";
import { Strip } from "./strip";
import { count, plural, tint } from "./text";

const ROW = 62; // pixels, as the style sheet has them
const CELL_HEIGHT = 196;
const CELL_WIDTH = 184;
const BEYOND = 4;

interface Shown {
  index: Index;
  found: number[];
  at: number; // a place of the index
  decisions: Decisions;
  choose: (place: number) => void;
}

export function Filters(props: {
  index: Index;
  filter: Filter;
  set: (filter: Filter) => void;
  found: number;
}) {
  const { index, filter, set } = props;
  const values = useMemo(
    () => COLUMNS.map((column) => [column, valuesOf(index, column)] as const),
    [index],
  );
  const narrowed = filter !== ALL;
  return (
    <div class="filters" role="search" aria-label="Samples">
      <input
        id="search"
        type="search"
        placeholder="Search questions, videos, ids"
        aria-label="Search questions, videos and ids"
        value={filter.search}
        onInput={(event) => set({ ...filter, search: event.currentTarget.value })}
      />
      <div class="selects">
        {values
          .filter(([, found]) => found.length > 1 || found.some(([value]) => filter.chosen[value as never]))
          .map(([column, found]) => (
            <select
              key={column}
              aria-label={column}
              class={filter.chosen[column] ? "on" : ""}
              value={filter.chosen[column] ?? ""}
              onChange={(event) =>
                set({ ...filter, chosen: { ...filter.chosen, [column]: event.currentTarget.value } })
              }
            >
              <option value="">{`any ${column.replace(/s$/, "")}`}</option>
              {found.map(([value, number]) => (
                <option value={value}>{`${value} (${count(number)})`}</option>
              ))}
            </select>
          ))}
        <select
          aria-label="negative"
          class={filter.negative ? "on" : ""}
          value={filter.negative}
          onChange={(event) => set({ ...filter, negative: event.currentTarget.value as Filter["negative"] })}
        >
          <option value="">negatives too</option>
          <option value="yes">negatives alone</option>
          <option value="no">no negatives</option>
        </select>
        <select
          aria-label="decision"
          class={filter.decided ? "on" : ""}
          value={filter.decided}
          onChange={(event) => set({ ...filter, decided: event.currentTarget.value as Filter["decided"] })}
        >
          <option value="">decided or not</option>
          <option value="none">not decided</option>
          <option value="accept">accepted</option>
          <option value="reject">rejected</option>
          <option value="change">changed</option>
        </select>
      </div>
      <p class="found">
        <span role="status">
          {narrowed
            ? `${count(props.found)} of ${plural(index.id.length, "sample")}`
            : plural(index.id.length, "sample")}
        </span>
        {narrowed && (
          <button type="button" class="quiet" onClick={() => set(ALL)}>
            show all
          </button>
        )}
      </p>
    </div>
  );
}

/** Which of many rows are in view: from and up to. */
function useWindow(rows: number, height: number, keep: number) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState<[number, number]>([0, 24]);
  const look = (): void => {
    const element = box.current;
    if (!element) return;
    const from = Math.max(0, Math.floor(element.scrollTop / height) - BEYOND);
    const to = Math.min(rows, Math.ceil((element.scrollTop + element.clientHeight) / height) + BEYOND);
    setRange((before) => (before[0] === from && before[1] === to ? before : [from, to]));
  };
  useLayoutEffect(look, [rows, height]);
  useEffect(() => {
    const watcher = new ResizeObserver(look);
    if (box.current) watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [rows, height]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || keep < 0) return;
    if (keep * height < element.scrollTop) element.scrollTop = keep * height;
    else if ((keep + 1) * height > element.scrollTop + element.clientHeight)
      element.scrollTop = (keep + 1) * height - element.clientHeight;
    look();
  }, [keep, rows, height]);
  return { box, look, from: range[0], to: Math.min(range[1], rows) };
}

const marks: Record<string, [string, string]> = {
  accept: ["✓", "accepted"],
  reject: ["✕", "rejected"],
  change: ["✎", "changed"],
};

export function Mark({ decision }: { decision: string }) {
  const found = marks[decision];
  return found ? (
    <span class={`mark ${decision}`} title={found[1]}>
      {found[0]} <span class="hidden">{found[1]}</span>
    </span>
  ) : null;
}

export function List({ index, found, at, decisions, choose }: Shown) {
  const here = useMemo(() => found.indexOf(at), [found, at]);
  const { box, look, from, to } = useWindow(found.length, ROW, here);
  if (!found.length) return <p class="plain">No sample fits. Take a filter away.</p>;
  return (
    <div class="list" ref={box} onScroll={look} tabIndex={0} aria-label="Samples, j and k step" role="region">
      <div role="list" class="tall" style={{ height: `${found.length * ROW}px` }}>
        {found.slice(from, to).map((place, offset) => {
          const row = from + offset;
          const task = index.task.values[index.task.codes[place]!]!;
          return (
            <div
              role="listitem"
              key={place}
              class="row"
              aria-setsize={found.length}
              aria-posinset={row + 1}
              style={{ transform: `translateY(${row * ROW}px)` }}
            >
              <button
                type="button"
                class={place === at ? "item here" : "item"}
                aria-current={place === at ? "true" : undefined}
                onClick={() => choose(place)}
              >
                <span class="line">
                  <span class={`dot t${tint(task)}`} />
                  <b>{task}</b>
                  <span class="pale">{index.video.values[index.video.codes[place]!]}</span>
                  {index.negative[place] ? <span class="tag">negative</span> : null}
                  <Mark decision={decisions.mark(index.id[place]!)} />
                </span>
                <span class="line title">{index.title[place]}</span>
                <Strip states={index.strip[place]!} />
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}

export function Grid({ index, found, at, decisions, choose }: Shown) {
  const outer = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(3);
  useLayoutEffect(() => {
    const measure = (): void => {
      if (outer.current) setWidth(Math.max(1, Math.floor(outer.current.clientWidth / CELL_WIDTH)));
    };
    measure();
    const watcher = new ResizeObserver(measure);
    if (outer.current) watcher.observe(outer.current);
    return () => watcher.disconnect();
  }, []);
  const here = useMemo(() => Math.floor(found.indexOf(at) / width), [found, at, width]);
  const rows = Math.ceil(found.length / width);
  const { box, look, from, to } = useWindow(rows, CELL_HEIGHT, here);
  const cells = [];
  for (let place = from * width; place < Math.min(to * width, found.length); place++) cells.push(place);
  return (
    <div class="grid" ref={outer}>
      <div class="list" ref={box} onScroll={look} tabIndex={0} role="region" aria-label="Pictures of samples">
        <div role="list" class="tall" style={{ height: `${rows * CELL_HEIGHT}px` }}>
          {cells.map((cell) => (
            <Cell
              key={found[cell]}
              index={index}
              place={found[cell]!}
              number={cell}
              of={found.length}
              width={width}
              here={found[cell] === at}
              mark={decisions.mark(index.id[found[cell]!]!)}
              choose={choose}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

interface CellShown {
  index: Index;
  place: number;
  number: number;
  of: number;
  width: number;
  here: boolean;
  mark: string;
  choose: (place: number) => void;
}

function Cell({ index, place, number, of, width, here, mark, choose }: CellShown) {
  const [picture, setPicture] = useState("");
  useEffect(() => {
    let wanted = true;
    const chunk = chunkOf(index, place);
    const number = index.chunks.indexOf(chunk);
    const first = endsOf(index)[number]! - index.sizes[number]!;
    setPicture("");
    if (!index.pictured[number]) return;
    load<string[]>(`pictures/${chunk}`)
      .then((pictures) => wanted && setPicture(pictures[place - first] ?? ""))
      .catch(() => wanted && setPicture(""));
    return () => {
      wanted = false;
    };
  }, [index, place]);
  const task = index.task.values[index.task.codes[place]!]!;
  return (
    <div
      role="listitem"
      class="cell"
      aria-setsize={of}
      aria-posinset={number + 1}
      style={{
        transform: `translateY(${Math.floor(number / width) * CELL_HEIGHT}px)`,
        left: `${((number % width) * 100) / width}%`,
        width: `${100 / width}%`,
      }}
    >
      <button type="button" class={here ? "item here" : "item"} aria-current={here ? "true" : undefined} onClick={() => choose(place)}>
        {picture ? <img src={`data:image/jpeg;base64,${picture}`} alt="" /> : <span class="nothing">no frames here</span>}
        <Strip states={index.strip[place]!} />
        <span class="line">
          <span class={`dot t${tint(task)}`} />
          <b>{task}</b>
          {index.negative[place] ? <span class="tag">negative</span> : null}
          <Mark decision={mark} />
        </span>
        <span class="line pale">{index.video.values[index.video.codes[place]!]}</span>
        <span class="line title">{index.title[place]}</span>
      </button>
    </div>
  );
}
