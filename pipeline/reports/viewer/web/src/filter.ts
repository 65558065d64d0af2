// Which samples are shown.
import type { Coded, Index } from "./data";
import type { Decisions } from "./decisions";

export const COLUMNS = ["task", "source", "aspect", "pattern", "checks", "flags", "split"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Filter {
  search: string;
  negative: "" | "yes" | "no";
  decided: "" | "accept" | "reject" | "change" | "none";
  chosen: Partial<Record<Column, string>>;
}

export const ALL: Filter = { search: "", negative: "", decided: "", chosen: {} };

/** The values that a column has, sorted, with how many samples each. */
export function valuesOf(index: Index, column: Column): [string, number][] {
  const coded = index[column] as Coded<string | string[]>;
  const counts = new Map<string, number>();
  const byCode = coded.values.map(() => 0);
  for (const code of coded.codes) byCode[code]! += 1;
  coded.values.forEach((value, code) => {
    for (const each of [value].flat()) counts.set(each, (counts.get(each) ?? 0) + byCode[code]!);
  });
  return [...counts].filter(([value]) => value !== "").sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

const lower = new WeakMap<Index, string[]>();

function searched(index: Index): string[] {
  let found = lower.get(index);
  if (!found) {
    const { values, codes } = index.video;
    found = index.title.map((title, place) =>
      `${title} ${values[codes[place]!]} ${index.id[place]}`.toLowerCase(),
    );
    lower.set(index, found);
  }
  return found;
}

/** The places of the samples that a filter lets through, in their order. */
export function places(index: Index, filter: Filter, decisions: Decisions): number[] {
  const tests: ((place: number) => boolean)[] = [];
  for (const column of COLUMNS) {
    const wanted = filter.chosen[column];
    if (!wanted) continue;
    const { values, codes } = index[column] as Coded<string | string[]>;
    const fits = values.map((value) => [value].flat().includes(wanted));
    tests.push((place) => fits[codes[place]!]!);
  }
  if (filter.negative) {
    const wanted = filter.negative === "yes" ? 1 : 0;
    tests.push((place) => index.negative[place] === wanted);
  }
  if (filter.decided) {
    const wanted = filter.decided === "none" ? "" : filter.decided;
    tests.push((place) => decisions.mark(index.id[place]!) === wanted);
  }
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) {
    const texts = searched(index);
    tests.push((place) => words.every((word) => texts[place]!.includes(word)));
  }
  const found: number[] = [];
  for (let place = 0; place < index.id.length; place++) {
    if (tests.every((test) => test(place))) found.push(place);
  }
  return found;
}
