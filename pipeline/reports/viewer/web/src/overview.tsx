// The whole run: what was kept and what was not, and why; shares, agreement, timing, tokens, pace.
import { useState } from "preact/hooks";
import { Bar, Beside, Curve, Histogram, Whisker } from "./charts";
import type { NodeData, Overview } from "./data";
import { Meaning } from "./meaning";
import { count, lasting, percent, plural, signed, tint } from "./text";

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

function Yields({ overview }: { overview: Overview }) {
  const nodes = overview.nodes.filter((node) => node.videos_in > 0 || node.rows_out > 0 || node.shards_done < node.shards);
  const most = Math.max(1, ...nodes.map((node) => node.videos_in));
  return (
    <section class="card broad">
      <h2>Yields</h2>
      <p class="pale">
        Videos that entered each node: <Key kind="in" /> kept, <Key kind="absent" /> absent (nothing to do, or not wanted),{" "}
        <Key kind="refused" /> rejected.
      </p>
      <div class="wide" tabIndex={0} role="region" aria-label="Yields by node">
        <table>
          <thead>
            <tr>
              <th>node</th>
              <th class="bars">videos</th>
              <th class="number">in</th>
              <th class="number">out</th>
              <th class="number">rejected</th>
              <th class="number">absent</th>
              <th class="number">rows</th>
              <th class="number">shards</th>
              <th class="number">time</th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr>
                <th scope="row">{node.node}</th>
                <td class="bars">
                  <Bar
                    whole={most}
                    shares={[
                      { kind: "in", part: node.videos_out },
                      { kind: "absent", part: node.videos_absent },
                      { kind: "refused", part: node.videos_rejected },
                    ]}
                  />
                </td>
                <td class="number">{count(node.videos_in)}</td>
                <td class="number">{count(node.videos_out)}</td>
                <td class="number">{count(node.videos_rejected)}</td>
                <td class="number">{count(node.videos_absent)}</td>
                <td class="number">{count(node.rows_out)}</td>
                <td class="number">
                  {node.shards_done}/{node.shards}
                  {node.shards_failed ? ` (${node.shards_failed} failed)` : ""}
                </td>
                <td class="number">{lasting(node.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Key({ kind }: { kind: string }) {
  return <span class={`key ${kind}`} />;
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
            Absent, where nothing is wrong: {plural(absent.reduce((all, [, , number]) => all + number, 0), "row")}
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

function Tasks({ overview }: { overview: Overview }) {
  const whole = overview.tasks.reduce((all, task) => all + task.samples, 0);
  const most = Math.max(...overview.tasks.map((task) => Math.max(whole ? task.samples / whole : 0, task.paper ?? 0)));
  return (
    <section class="card">
      <h2>Tasks, beside the paper</h2>
      <table>
        <thead>
          <tr>
            <th>task</th>
            <th class="number">samples</th>
            <th class="number">here</th>
            <th class="number">paper</th>
            <td class="bars" />
          </tr>
        </thead>
        <tbody>
          {overview.tasks.map((task) => (
            <Beside
              name={
                <>
                  <span class={`dot t${tint(task.task)}`} /> {task.task}
                </>
              }
              number={count(task.samples)}
              ours={whole ? task.samples / whole : 0}
              paper={task.paper}
              most={most}
              kind="in"
            />
          ))}
        </tbody>
      </table>
      <p class="pale small">
        {plural(overview.tasks.reduce((all, task) => all + task.negatives, 0), "negative")} among them:{" "}
        {overview.tasks
          .filter((task) => task.negatives)
          .map((task) => `${task.task} ${count(task.negatives)} (${percent(task.negatives, task.samples)})`)
          .join(", ") || "none"}
        . The paper (arXiv:2512.21334) has none.
      </p>
    </section>
  );
}

function Shape({ overview }: { overview: Overview }) {
  const { states, durations } = overview;
  const turns = states.reduce((all, state) => all + state.turns, 0);
  const ours = states.find((state) => state.state === "response")?.turns ?? 0;
  const papers = states.reduce((all, state) => all + state.paper, 0);
  const videos = durations.reduce((all, each) => all + each.videos, 0);
  const papersVideos = durations.reduce((all, each) => all + each.paper, 0);
  const most = Math.max(...durations.map((each) => Math.max(videos ? each.videos / videos : 0, each.paper / papersVideos)));
  return (
    <section class="card">
      <h2>States and lengths, beside the paper</h2>
      <p>
        Silence to standby to response:{" "}
        <b>{ours ? states.map((state) => ((2 * state.turns) / ours).toFixed(1)).join(" : ") : "no response"}</b>{" "}
        <span class="pale">(paper {states.map((state) => state.paper).join(" : ")}; without negatives)</span>
      </p>
      <div class="two">
        <span class="pale small">here</span>
        <Bar whole={turns} shares={states.map((state) => ({ kind: state.state, part: state.turns }))} />
        <span class="pale small">paper</span>
        <Bar whole={papers} shares={states.map((state) => ({ kind: state.state, part: state.paper }))} />
      </div>
      <ul class="legend">
        {states.map((state) => (
          <li>
            <Key kind={state.state} /> {state.state} {percent(state.turns, turns)}
          </li>
        ))}
      </ul>
      <table>
        <thead>
          <tr>
            <th>length</th>
            <th class="number">videos</th>
            <th class="number">here</th>
            <th class="number">paper</th>
            <td class="bars" />
          </tr>
        </thead>
        <tbody>
          {durations.map((each) => (
            <Beside name={each.bin} number={count(each.videos)} ours={videos ? each.videos / videos : 0} paper={each.paper / papersVideos} most={most} kind="in" />
          ))}
        </tbody>
      </table>
      {Object.keys(overview.placed).length > 0 && (
        <p class="pale small">
          Responses by placement:{" "}
          {Object.entries(overview.placed)
            .map(([flag, number]) => `${flag} ${count(number)}`)
            .join(", ")}
        </p>
      )}
    </section>
  );
}

function Agreement({ of }: { of: Overview["agreement"][number] }) {
  const [step, setStep] = useState(Math.round(100 * of.min_iou));
  const kept = of.kept[step] ?? 0;
  const found = of.events - of.not_found;
  return (
    <section class="card agreement">
      <h2>Agreement, {of.node}</h2>
      <Histogram bars={of.bars} threshold={step / 100} label={`IoU of ${found} events found again, in ${of.bars.length} bars: ${of.bars.join(", ")}`} />
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

function Offsets({ overview }: { overview: Overview }) {
  const { offsets } = overview;
  if (!offsets.length) return null;
  const far = Math.max(1, ...offsets.flatMap(({ starts, ends }) => [starts, ends].flatMap((o) => [Math.abs(o.p10_s), Math.abs(o.p90_s)])));
  const most = Math.min(far, 10);
  return (
    <section class="card broad">
      <h2>Timing against people</h2>
      <p class="pale">
        Seconds by which models are late (+) or early (−) beside spans that people described: median, and from the tenth to the
        ninetieth percentile. Bars end at {most.toFixed(1)} s.
      </p>
      <div class="wide" tabIndex={0} role="region" aria-label="Timing offsets">
        <table>
          <thead>
            <tr>
              <th>spans</th>
              <th class="number">mean IoU</th>
              <th class="number">pairs</th>
              <th>of</th>
              <th class="number">p10</th>
              <th class="number">median</th>
              <th class="number">p90</th>
              <td class="bars" />
            </tr>
          </thead>
          <tbody>
            {offsets.map((each) =>
              (["starts", "ends"] as const).map((side) => (
                <tr>
                  {side === "starts" ? <th scope="row">{each.what}</th> : <td />}
                  <td class="number">{side === "starts" && each.mean_iou !== null ? each.mean_iou.toFixed(2) : ""}</td>
                  <td class="number">{side === "starts" ? count(each.starts.times) : ""}</td>
                  <td>{side}</td>
                  <td class="number">{signed(each[side].p10_s)}</td>
                  <td class="number">{signed(each[side].median_s)}</td>
                  <td class="number">{signed(each[side].p90_s)}</td>
                  <td class="bars">
                    <Whisker low={each[side].p10_s} middle={each[side].median_s} high={each[side].p90_s} most={most} />
                  </td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Tokens({ overview }: { overview: Overview }) {
  const { teachers } = overview;
  if (!teachers.length) return null;
  const most = Math.max(1, ...teachers.map((each) => each.tokens_in + each.tokens_out));
  return (
    <section class="card broad">
      <h2>Tokens and cost</h2>
      <p class="pale">
        <Key kind="fresh" /> in, computed; <Key kind="cached" /> in, cached; <Key kind="given" /> out.
      </p>
      <div class="wide" tabIndex={0} role="region" aria-label="Tokens by role">
        <table>
          <thead>
            <tr>
              <th>role</th>
              <th>model</th>
              <th class="number">asks</th>
              <th class="number">no answer</th>
              <th class="number">tokens in</th>
              <th class="number">cached</th>
              <th class="number">out</th>
              <th class="number">cost</th>
              <td class="bars" />
            </tr>
          </thead>
          <tbody>
            {teachers.map((each) => (
              <tr>
                <th scope="row">{each.role}</th>
                <td>
                  {each.model}
                  <span class="pale">@{each.revision.slice(0, 8)}</span>
                </td>
                <td class="number">{count(each.asks)}</td>
                <td class="number">{count(each.unanswered)}</td>
                <td class="number">{count(each.tokens_in)}</td>
                <td class="number">{percent(each.tokens_cached, each.tokens_in)}</td>
                <td class="number">{count(each.tokens_out)}</td>
                <td class="number">{each.cost === null ? "not stated" : `${each.cost.toFixed(2)} ${each.currency}`}</td>
                <td class="bars">
                  <Bar
                    whole={most}
                    shares={[
                      { kind: "fresh", part: each.tokens_in - each.tokens_cached },
                      { kind: "cached", part: each.tokens_cached },
                      { kind: "given", part: each.tokens_out },
                    ]}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
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
