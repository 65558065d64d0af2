// The whole run: what was kept and what was not, and why; shares, agreement, timing, tokens, pace.
import { useState } from "preact/hooks";
import { Bar, Curve, Histogram } from "./charts";
import type { NodeData, Overview } from "./data";
import { Meaning } from "./meaning";
import { Offsets, Shape, Tasks, Tokens, Yields } from "./overview_tables";
import { count, lasting, percent, plural } from "./text";

export function OverviewView({ overview }: { overview: Overview }) {
  return (
    <div class="overview">
      <Totals overview={overview} />
      <Tasks overview={overview} />
      <Shape overview={overview} />
      {overview.agreement.map((each) => (
        <Agreement key={each.node} of={each} />
      ))}
      <Rejects overview={overview} />
      <Pace overview={overview} />
      <Yields overview={overview} />
      <Offsets overview={overview} />
      <Tokens overview={overview} />
    </div>
  );
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);

function Totals({ overview }: { overview: Overview }) {
  const { videos, tasks, states, nodes } = overview;
  const shards = nodes.reduce((all, node) => all + node.shards, 0);
  const done = nodes.reduce((all, node) => all + node.shards_done, 0);
  const items: [string, string][] = [
    [count(videos.in), videos.in === 1 ? "video" : "videos"],
    [count(videos.out), "annotated"],
    [count(sum(videos.rejected)), "rejected"],
    ...(sum(videos.absent) ? [[count(sum(videos.absent)), "absent"] as [string, string]] : []),
    ...(videos.open ? [[count(videos.open), "not finished"] as [string, string]] : []),
    [count(tasks.reduce((all, task) => all + task.samples, 0)), "samples"],
    [count(tasks.reduce((all, task) => all + task.negatives, 0)), "negatives"],
    [count(states.reduce((all, state) => all + state.turns, 0)), "turns"],
    ...(done < shards ? [[`${Math.floor((100 * done) / Math.max(1, shards))}%`, "of all shards"] as [string, string]] : []),
  ];
  return (
    <dl class="totals">
      {items.map(([number, name]) => (
        <div>
          <dd>{number}</dd>
          <dt>{name}</dt>
        </div>
      ))}
    </dl>
  );
}

function Rejects({ overview }: { overview: Overview }) {
  const all = (which: (node: NodeData) => Record<string, number>): [string, string, number][] =>
    overview.nodes
      .flatMap((node) => Object.entries(which(node)).map(([reason, n]) => [node.node, reason, n] as [string, string, number]))
      .sort((a, b) => b[2] - a[2]);
  const refused = all((node) => node.rejected);
  const absent = all((node) => node.absent);
  return (
    <section class="card">
      <h2>Rejects by reason</h2>
      {refused.length ? <Reasons rows={refused} kind="refused" meanings={overview.meanings} /> : <p class="plain">Nothing was refused.</p>}
      {absent.length > 0 && (
        <details>
          <summary>
            Absent, where nothing is wrong:{" "}
            {plural(
              absent.reduce((all, [, , number]) => all + number, 0),
              "row",
            )}
          </summary>
          <Reasons rows={absent} kind="absent" meanings={overview.meanings} />
        </details>
      )}
    </section>
  );
}

function Reasons({ rows, kind, meanings }: { rows: [string, string, number][]; kind: string; meanings: Record<string, string> }) {
  const most = Math.max(1, ...rows.map(([, , number]) => number));
  return (
    <ul class="reasons">
      {rows.map(([node, reason, number]) => (
        <li>
          <span class="line">
            <b>{reason}</b> <span class="pale">{node}</span> <span class="number">{count(number)}</span>
          </span>
          <Bar whole={most} shares={[{ kind, part: number }]} />
          <span class="pale small">
            <Meaning text={meanings[reason] ?? ""} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Agreement({ of }: { of: Overview["agreement"][number] }) {
  const [step, setStep] = useState(Math.round(100 * of.min_iou));
  const kept = of.kept[step] ?? 0;
  const found = of.events - of.not_found;
  return (
    <section class="card agreement">
      <h2>Agreement, {of.node}</h2>
      <Histogram
        bars={of.bars}
        threshold={step / 100}
        label={`IoU of ${found} events found again, in ${of.bars.length} bars: ${of.bars.join(", ")}`}
      />
      <label class="slider">
        min_iou {(step / 100).toFixed(2)}
        <input
          type="range"
          min="0"
          max="100"
          step="1"
          value={step}
          aria-label={`min_iou of ${of.node}`}
          aria-valuetext={`${(step / 100).toFixed(2)} keeps ${kept} of ${of.events} events`}
          onInput={(event) => setStep(Number(event.currentTarget.value))}
        />
      </label>
      <p role="status">
        keeps <b class="kept">{count(kept)}</b> of {plural(of.events, "event")} ({percent(kept, of.events)})
        {step !== Math.round(100 * of.min_iou) && ` instead of ${count(of.kept[Math.round(100 * of.min_iou)] ?? 0)} at ${of.min_iou}`}
      </p>
      <p class="pale small">
        {plural(of.not_found, "event")} not found again, which no threshold keeps. Policy {of.policy}:{" "}
        {of.policy === "video" ? "all events of a video are kept or none." : "each event by itself."}
      </p>
    </section>
  );
}

function Pace({ overview }: { overview: Overview }) {
  const { pace } = overview;
  const names = (["shards", "rows", "asks", "tokens_out"] as const).filter((name) => (pace[name].at(-1) ?? 0) > 0);
  const [chosen, setChosen] = useState<(typeof names)[number]>("rows");
  const name = names.includes(chosen) ? chosen : names[0];
  if (!name || pace.at_s.length < 2) return null;
  const total = pace[name].at(-1)!;
  const last_s = pace.at_s.at(-1)!;
  const word = name.replace("_", " ");
  return (
    <section class="card">
      <h2>Throughput</h2>
      <p>
        <select aria-label="What is counted" value={name} onChange={(event) => setChosen(event.currentTarget.value as typeof name)}>
          {names.map((each) => (
            <option value={each}>{each.replace("_", " ")}</option>
          ))}
        </select>{" "}
        {count(total)} in {lasting(last_s)} of work, <b>{count(Number(((60 * total) / Math.max(last_s, 1)).toPrecision(3)))}</b> a minute
      </p>
      <Curve xs={pace.at_s} ys={pace[name]} label={`${word} over time: ${count(total)} in ${lasting(last_s)}`} end={lasting(last_s)} />
    </section>
  );
}
