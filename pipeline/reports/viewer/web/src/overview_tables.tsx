// The tables of the whole run: what each node, task, length and role came to, and timing against people.
import { Bar, Beside, Key, Whisker } from "./charts";
import type { Overview } from "./data";
import { Table } from "./table";
import { count, lasting, percent, plural, signed, tint } from "./text";

export function Tasks({ overview }: { overview: Overview }) {
  const whole = overview.tasks.reduce((all, task) => all + task.samples, 0);
  const most = Math.max(...overview.tasks.map((task) => Math.max(whole ? task.samples / whole : 0, task.paper ?? 0)));
  return (
    <section class="card">
      <h2>Tasks, beside the paper</h2>
      <Table columns={[["task"], ["samples", "number"], ["here", "number"], ["paper", "number"], ["", "bars"]]}>
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
      </Table>
      <p class="pale small">
        {plural(
          overview.tasks.reduce((all, task) => all + task.negatives, 0),
          "negative",
        )}{" "}
        among them:{" "}
        {overview.tasks
          .filter((task) => task.negatives)
          .map((task) => `${task.task} ${count(task.negatives)} (${percent(task.negatives, task.samples)})`)
          .join(", ") || "none"}
        . The paper (arXiv:2512.21334) has none.
      </p>
    </section>
  );
}

export function Shape({ overview }: { overview: Overview }) {
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
      <Table columns={[["length"], ["videos", "number"], ["here", "number"], ["paper", "number"], ["", "bars"]]}>
        {durations.map((each) => (
          <Beside
            name={each.bin}
            number={count(each.videos)}
            ours={videos ? each.videos / videos : 0}
            paper={each.paper / papersVideos}
            most={most}
            kind="in"
          />
        ))}
      </Table>
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

export function Yields({ overview }: { overview: Overview }) {
  const nodes = overview.nodes.filter((node) => node.videos_in > 0 || node.rows_out > 0 || node.shards_done < node.shards);
  const most = Math.max(1, ...nodes.map((node) => node.videos_in));
  return (
    <section class="card broad">
      <h2>Yields</h2>
      <p class="pale">
        Videos that entered each node: <Key kind="in" /> kept, <Key kind="absent" /> absent (nothing to do, or not wanted),{" "}
        <Key kind="refused" /> rejected.
      </p>
      <Table
        region="Yields by node"
        columns={[
          ["node"],
          ["videos", "bars"],
          ["in", "number"],
          ["out", "number"],
          ["rejected", "number"],
          ["absent", "number"],
          ["rows", "number"],
          ["shards", "number"],
          ["time", "number"],
        ]}
      >
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
      </Table>
    </section>
  );
}

export function Offsets({ overview }: { overview: Overview }) {
  const { offsets } = overview;
  if (!offsets.length) return null;
  const far = Math.max(1, ...offsets.flatMap(({ starts, ends }) => [starts, ends].flatMap((o) => [Math.abs(o.p10_s), Math.abs(o.p90_s)])));
  const most = Math.min(far, 10);
  return (
    <section class="card broad">
      <h2>Timing against people</h2>
      <p class="pale">
        Seconds by which models are late (+) or early (−) beside spans that people described: median, and from the tenth to the ninetieth
        percentile. Bars end at {most.toFixed(1)} s.
      </p>
      <Table
        region="Timing offsets"
        columns={[
          ["spans"],
          ["mean IoU", "number"],
          ["pairs", "number"],
          ["of"],
          ["p10", "number"],
          ["median", "number"],
          ["p90", "number"],
          ["", "bars"],
        ]}
      >
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
      </Table>
    </section>
  );
}

export function Tokens({ overview }: { overview: Overview }) {
  const { teachers } = overview;
  if (!teachers.length) return null;
  const most = Math.max(1, ...teachers.map((each) => each.tokens_in + each.tokens_out));
  return (
    <section class="card broad">
      <h2>Tokens and cost</h2>
      <p class="pale">
        <Key kind="fresh" /> in, computed; <Key kind="cached" /> in, cached; <Key kind="given" /> out.
      </p>
      <Table
        region="Tokens by role"
        columns={[
          ["role"],
          ["model"],
          ["asks", "number"],
          ["no answer", "number"],
          ["tokens in", "number"],
          ["cached", "number"],
          ["out", "number"],
          ["cost", "number"],
          ["", "bars"],
        ]}
      >
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
      </Table>
    </section>
  );
}
