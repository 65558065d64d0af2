// One sample: what is seen, what is said, its timeline, and what stands behind it.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Loaded, Overview } from "./data";
import type { Decision, Decisions } from "./decisions";
import { Details } from "./details";
import { Dialogue } from "./dialogue";
import { Judge } from "./judge";
import { Player } from "./player";
import { tint } from "./text";
import { Timeline, type Chosen } from "./timeline";

export function SampleView(props: {
  loaded: Loaded;
  overview: Overview;
  decisions: Decisions;
  decide: (decision: Decision) => void;
  chosen: Chosen | null;
  choose: (chosen: Chosen) => void;
  other: (sampleId: string) => void;
  note: RefObject<HTMLInputElement>;
  trouble: string;
}) {
  const { loaded, overview, chosen } = props;
  const { sample } = loaded;
  const [zoom, setZoom] = useState(1);
  useEffect(() => setZoom(1), [sample]);
  const response = chosen?.kind === "response" ? sample.responses.find((each) => each.rid === chosen.rid) : undefined;
  return (
    <article class="sample" aria-label={`Sample ${sample.sample_id}`}>
      <header>
        <h2>
          <span class={`dot t${tint(sample.task)}`} /> {sample.task}
          {sample.aspect && <span class="pale"> {sample.aspect}</span>}
        </h2>
        <span class="pale">{sample.video_id}</span>
        <code class="pale">{sample.sample_id}</code>
        {sample.is_negative && <span class="tag">negative</span>}
        {sample.is_still && <span class="tag">still</span>}
      </header>
      <Judge {...props} sample={sample} response={response} />
      <div class="seen">
        <Player loaded={loaded} served={overview.served} />
        <Dialogue sample={sample} chosen={chosen} choose={props.choose} />
      </div>
      <div class="over">
        <Legend />
        <span class="zoom">
          <button type="button" class="quiet out" disabled={zoom <= 1} aria-label="Zoom out" onClick={() => setZoom(Math.max(1, zoom / 2))}>
            −
          </button>
          <button type="button" class="quiet in" disabled={zoom >= 32} aria-label="Zoom in" onClick={() => setZoom(Math.min(32, zoom * 2))}>
            +
          </button>
        </span>
      </div>
      <Timeline loaded={loaded} chosen={chosen} choose={props.choose} other={props.other} zoom={zoom} />
      <Details loaded={loaded} chosen={chosen} choose={props.choose} meanings={overview.meanings} command={overview.command} />
    </article>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="Colours">
      {["silence", "standby", "response"].map((state) => (
        <li>
          <span class={`key ${state}`} /> {state}
        </li>
      ))}
      <li>
        <span class="key evidence" /> evidence
      </li>
      <li>
        <span class="key no" /> refused
      </li>
    </ul>
  );
}
