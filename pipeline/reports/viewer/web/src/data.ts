// The data of the report, and how they are loaded: as scripts, since no page of file:// may fetch.

export type Coded<T> = { values: T[]; codes: number[] };

/** The short rows of all samples, as columns. */
export interface Index {
  chunks: string[];
  sizes: number[];
  /** Whether small pictures of a chunk are there. */
  pictured: boolean[];
  id: string[];
  title: string[];
  strip: string[];
  negative: number[];
  turns: number[];
  responses: number[];
  duration_s: number[];
  video: Coded<string>;
  task: Coded<string>;
  source: Coded<string>;
  aspect: Coded<string>;
  split: Coded<string>;
  pattern: Coded<string>;
  flags: Coded<string[]>;
  checks: Coded<string[]>;
}

export interface Span {
  start_s: number;
  end_s: number;
}

export interface Response extends Span {
  rid: string;
  qid: string;
  kind: "instant" | "event";
  text: string;
  respond_s: number;
  valid_until_s: number | null;
  evidence: Span[];
  due_s: number | null;
  due_by: string;
  valid_from_s: number | null;
  earliest_answerable_s: number | null;
  confirmed_s: number[];
  still_until_s: number | null;
  turn: number;
  standby_from: number;
  flags: string[];
}

export interface Question {
  qid: string;
  text: string;
  asked_s: number;
  options: string[];
  distractors: string[];
  kind: string;
  asked_by: string;
  task: string;
}

export interface Check {
  name: string;
  passed: boolean;
  score: number;
  model: string;
  rid: string;
}

export interface Call {
  stage: string;
  prompt: string;
  prompt_sha: string;
  model: string;
  revision: string;
  engine: string;
  temperature: number;
  samples: number;
  tokens_in: number;
  tokens_out: number;
  request_id: string;
}

export interface Sample {
  sample_id: string;
  video_id: string;
  task: string;
  aspect: string;
  source: string;
  licence: string;
  split: string;
  file: string;
  clip_start_s: number;
  duration_s: number;
  width: number;
  height: number;
  turns_per_s: number;
  whole_id: string;
  context_turns: number;
  pattern: string;
  is_negative: boolean;
  is_still: boolean;
  models: string[];
  origins: string[];
  checks: Check[];
  provenance: Call[];
  questions: Question[];
  responses: Response[];
  turns: {
    first: number;
    starts: number[];
    ends: number[];
    frames: number[];
    states: string;
    asked: Record<string, string>;
    said: Record<string, [string, string[]]>;
    flags: Record<string, string[]>;
  };
}

/** A candidate that was turned down. */
export interface Refused {
  node: string;
  reason: string;
  absent: boolean;
  detail: string;
  ask: string;
  text: string;
  spans: [number, number][];
}

/** An event with the span of its caption, and the one found again by it. */
export interface Located extends Span {
  node: string;
  event_id: string;
  caption: string;
  grounded_start_s: number | null;
  grounded_end_s: number | null;
  iou: number;
  kept: boolean;
  reason: string;
}

export interface VideoData {
  video: string;
  frames: string;
  plays?: boolean;
  refused: Refused[];
  events: Located[];
  samples: Sample[];
}

export interface NodeData {
  node: string;
  stage: string;
  shards: number;
  shards_done: number;
  shards_failed: number;
  videos_in: number;
  videos_out: number;
  videos_rejected: number;
  videos_absent: number;
  rows_out: number;
  rejected: Record<string, number>;
  absent: Record<string, number>;
  policies: string[];
  asks: number;
  replies: number;
  tokens_in: number;
  tokens_out: number;
  tokens_cached: number;
  reply_errors: Record<string, number>;
  latency_s: number;
  seconds: number;
}

export interface Offset {
  times: number;
  p10_s: number;
  median_s: number;
  p90_s: number;
}

export interface Overview {
  name: string;
  served: boolean;
  can_save: boolean;
  command: string;
  stamp: string;
  nodes: NodeData[];
  meanings: Record<string, string>;
  videos: {
    in: number;
    out: number;
    open: number;
    rejected: Record<string, number>;
    absent: Record<string, number>;
  };
  placed: Record<string, number>;
  tasks: { task: string; samples: number; negatives: number; paper: number | null }[];
  states: { state: string; turns: number; paper: number }[];
  durations: { bin: string; videos: number; paper: number }[];
  agreement: {
    node: string;
    policy: string;
    min_iou: number;
    events: number;
    not_found: number;
    bars: number[];
    kept: number[];
  }[];
  offsets: { what: string; mean_iou: number | null; starts: Offset; ends: Offset }[];
  teachers: {
    role: string;
    model: string;
    revision: string;
    nodes: string[];
    asks: number;
    unanswered: number;
    tokens_in: number;
    tokens_cached: number;
    tokens_out: number;
    cost: number | null;
    currency: string;
  }[];
  pace: { at_s: number[]; shards: number[]; rows: number[]; asks: number[]; tokens_out: number[] };
}

const waiting = new Map<string, (text: string) => void>();
const HELD = 24;
const held = new Map<string, Promise<unknown>>();

(window as unknown as Record<string, unknown>).turnwise = (name: string, text: string): void => {
  waiting.get(name)?.(text);
  waiting.delete(name);
};

/** The value of a name such as `samples/00000-…`; a few are held. `anew`: not the one of before. */
export function load<T>(name: string, anew = ""): Promise<T> {
  const found = anew ? undefined : held.get(name);
  if (found) {
    held.delete(name);
    held.set(name, found);
    return found as Promise<T>;
  }
  const made = new Promise<T>((done, failed) => {
    const script = document.createElement("script");
    waiting.set(name, (text) => done(JSON.parse(text) as T));
    script.src = `data/${name}.js${anew && `?${anew}`}`;
    script.onload = () => script.remove();
    script.onerror = () => {
      script.remove();
      held.delete(name);
      failed(new Error(`data/${name}.js cannot be read`));
    };
    document.head.append(script);
  });
  held.set(name, made);
  for (const oldest of held.keys()) {
    if (held.size <= HELD) break;
    held.delete(oldest);
  }
  return made;
}

/** The chunk that holds a sample, by its place in the index. */
export function chunkOf(index: Index, place: number): string {
  let low = 0;
  let high = index.chunks.length;
  const ends = endsOf(index);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle]! <= place) low = middle + 1;
    else high = middle;
  }
  return index.chunks[low] ?? "";
}

const ends = new WeakMap<Index, number[]>();

/** The place behind the last sample of each chunk. */
export function endsOf(index: Index): number[] {
  let found = ends.get(index);
  if (!found) {
    let sum = 0;
    found = index.sizes.map((size) => (sum += size));
    ends.set(index, found);
  }
  return found;
}

export interface Loaded {
  video: VideoData;
  sample: Sample;
}

/** All of a sample and its video. */
export async function sampleAt(index: Index, place: number): Promise<Loaded> {
  const chunk = await load<{ videos: VideoData[] }>(`samples/${chunkOf(index, place)}`);
  const id = index.id[place];
  for (const video of chunk.videos) {
    const sample = video.samples.find((each) => each.sample_id === id);
    if (sample) return { video, sample };
  }
  throw new Error(`sample ${id} is not where the index has it`);
}
