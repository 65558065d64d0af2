// What stands behind the chosen response, refused candidate or event.
import type { ComponentChildren } from "preact";
import type { Check, Loaded, Located, Refused, Response, Sample } from "./data";
import { seconds } from "./text";
import { Meaning } from "./meaning";
import { spanText, type Chosen } from "./timeline";

export function Details(props: {
  loaded: Loaded;
  chosen: Chosen | null;
  choose: (chosen: Chosen) => void;
  meanings: Record<string, string>;
  command: string;
}) {
  const { loaded, chosen, choose, meanings, command } = props;
  const { sample, video } = loaded;
  let shown: ComponentChildren = <p class="plain">Choose a response on the timeline or in the dialogue.</p>;
  if (chosen?.kind === "response") {
    const response = sample.responses.find((each) => each.rid === chosen.rid);
    if (response) shown = <OfResponse sample={sample} response={response} events={video.events} />;
  } else if (chosen?.kind === "refused") {
    const refused = video.refused[chosen.place];
    if (refused) shown = <OfRefused refused={refused} meanings={meanings} />;
  } else if (chosen?.kind === "event") {
    const event = video.events[chosen.place];
    if (event) shown = <OfEvent event={event} meanings={meanings} />;
  }
  return (
    <div class="details">
      <div class="column">
        <section class="card" aria-label="Chosen">
          {shown}
        </section>
        <TurnedDown refused={video.refused} chosen={chosen} choose={choose} />
      </div>
      <section class="card" aria-label="Sample">
        <h3>Sample</h3>
        <Facts
          of={[
            ["video", `${sample.video_id}${sample.file && sample.file !== sample.video_id ? ` (${sample.file})` : ""}`],
            ["source", `${sample.source || "not stated"}, licence ${sample.licence || "not stated"}, ${sample.split}`],
            ["states", sample.pattern],
            ["models", sample.models.join(", ") || "none"],
            ["datasets", sample.origins.length ? `written by ${sample.origins.join(", ")}` : ""],
            ["window", sample.whole_id ? `of ${sample.whole_id}, first ${sample.context_turns} turns repeat the one before` : ""],
            ["explain", <code>{`${command.replace(/ run /, " explain ")} ${sample.sample_id}`}</code>],
          ]}
        />
        <Checks checks={sample.checks.filter((check) => !check.rid)} />
        <h3>Provenance</h3>
        {sample.provenance.length ? (
          <div class="wide" tabIndex={0} role="region" aria-label="Model calls">
            <table>
              <thead>
                <tr>
                  <th>stage</th>
                  <th>prompt</th>
                  <th>model</th>
                  <th class="number">tokens in</th>
                  <th class="number">out</th>
                  <th>ask</th>
                </tr>
              </thead>
              <tbody>
                {sample.provenance.map((call) => (
                  <tr>
                    <td>{call.stage}</td>
                    <td>
                      {call.prompt} <span class="pale">{call.prompt_sha}</span>
                    </td>
                    <td>
                      {call.model}@{call.revision}
                    </td>
                    <td class="number">{call.tokens_in}</td>
                    <td class="number">{call.tokens_out}</td>
                    <td>
                      <code>{call.request_id}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p class="plain">No model had a part in it: it comes from a dataset.</p>
        )}
      </section>
    </div>
  );
}

/** All that was turned down in the video, with a span or without. */
function TurnedDown(props: { refused: Refused[]; chosen: Chosen | null; choose: (chosen: Chosen) => void }) {
  const { refused, chosen, choose } = props;
  if (!refused.length) return null;
  const here = (place: number): boolean => chosen?.kind === "refused" && chosen.place === place;
  const order = refused.map((_, place) => place).sort((a, b) => Number(refused[a]!.absent) - Number(refused[b]!.absent));
  return (
    <details class="card">
      <summary>Turned down in this video ({refused.length})</summary>
      <ul class="turned">
        {order.map((place) => (
          <li>
            <button type="button" aria-pressed={here(place)} onClick={() => choose({ kind: "refused", place })}>
              <b>{refused[place]!.reason}</b> <span class="pale">{refused[place]!.node}</span> {refused[place]!.text}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function OfResponse({ sample, response, events }: { sample: Sample; response: Response; events: Located[] }) {
  const said_s = sample.turns.starts[response.turn - sample.turns.first] ?? 0;
  const due_s = response.due_s ?? response.respond_s;
  const question = sample.questions.find((each) => each.qid === response.qid);
  const event = events.find((each) => each.start_s === response.start_s && each.end_s === response.end_s);
  const optional = (time_s: number | null): string => (time_s === null ? "" : seconds(time_s));
  return (
    <>
      <h3>Response at {seconds(said_s)}</h3>
      <blockquote>{response.text}</blockquote>
      <Facts
        of={[
          ["question", question ? `${question.text} (asked at ${seconds(question.asked_s)} by ${question.asked_by})` : ""],
          ["options", question?.options.join(" · ") ?? ""],
          ["evidence", response.evidence.map((each) => spanText(each.start_s, each.end_s)).join(", ") || spanText(response.start_s, response.end_s)],
          ["complete", seconds(response.respond_s)],
          ["due", `${seconds(due_s)}, by ${response.due_by}`],
          ["said", `${seconds(said_s)}, ${seconds(said_s - response.respond_s)} after its evidence, turn ${response.turn}`],
          ["standby", response.standby_from < response.turn ? `from turn ${response.standby_from}` : ""],
          ["holds until", optional(response.valid_until_s)],
          ["answerable from", optional(response.earliest_answerable_s)],
          ["still until", optional(response.still_until_s)],
          ["placed", response.flags.join(", ")],
        ]}
      />
      <Checks checks={sample.checks.filter((check) => check.rid === response.rid)} />
      {event && <Spans event={event} />}
    </>
  );
}

function Spans({ event }: { event: Located }) {
  return (
    <Facts
      of={[
        ["located again", event.grounded_start_s === null ? "not found" : spanText(event.grounded_start_s, event.grounded_end_s ?? 0)],
        ["agreement", `IoU ${event.iou.toFixed(3)}`],
      ]}
    />
  );
}

function OfEvent({ event, meanings }: { event: Located; meanings: Record<string, string> }) {
  return (
    <>
      <h3>Event{event.kept ? "" : ", not kept"}</h3>
      <blockquote>{event.caption}</blockquote>
      <Facts
        of={[
          ["captioned", spanText(event.start_s, event.end_s)],
          ["node", event.node],
          ["reason", event.reason && <Meaning text={`${event.reason}: ${meanings[event.reason] ?? ""}`} />],
        ]}
      />
      <Spans event={event} />
    </>
  );
}

function OfRefused({ refused, meanings }: { refused: Refused; meanings: Record<string, string> }) {
  return (
    <>
      <h3>
        {refused.absent ? "Left out" : "Refused"}: {refused.reason}
      </h3>
      {refused.text && <blockquote>{refused.text}</blockquote>}
      <Facts
        of={[
          ["meaning", <Meaning text={meanings[refused.reason] ?? ""} />],
          ["here", refused.detail],
          ["node", refused.node],
          ["span", refused.spans.map(([a, b]) => spanText(a, b)).join(", ")],
          ["ask", refused.ask && <code>{refused.ask}</code>],
        ]}
      />
    </>
  );
}

function Checks({ checks }: { checks: Check[] }) {
  if (!checks.length) return null;
  return (
    <ul class="checks" aria-label="Checks">
      {checks.map((check) => (
        <li class={check.passed ? "passed" : "failed"}>
          <span aria-hidden="true">{check.passed ? "✓" : "✕"}</span> {check.name} {Number(check.score.toFixed(3))}
          <span class="pale">
            {check.passed ? " passed" : " failed"} {check.model}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of
        .filter(([, value]) => value !== "" && value !== undefined)
        .map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
