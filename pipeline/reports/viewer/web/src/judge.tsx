// Decide on a sample: accept, reject, note, change a response; and take decisions away.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Response, Sample } from "./data";
import type { Decision, Decisions } from "./decisions";
import { Mark } from "./browse";
import { plural } from "./text";

export function Judge(props: {
  sample: Sample;
  response: Response | undefined;
  decisions: Decisions;
  decide: (decision: Decision) => void;
  note: RefObject<HTMLInputElement>;
  trouble: string;
}) {
  const { sample, response, decisions, decide, note, trouble } = props;
  const [changes, setChanges] = useState(false);
  const own = decisions.of(sample.sample_id);
  const ofResponse = response && decisions.of(sample.sample_id, response.rid);
  const [text, setText] = useState(own?.note ?? "");
  useEffect(() => {
    setText(own?.note ?? "");
    setChanges(false);
  }, [sample.sample_id]);
  const say = (decision: "accept" | "reject" | "none"): void =>
    decide({ sample_id: sample.sample_id, decision, ...(text && decision !== "none" ? { note: text } : {}) });
  return (
    <section class="judge" aria-label="Decision">
      <div class="buttons">
        <button type="button" class="accept" aria-pressed={own?.decision === "accept"} onClick={() => say("accept")}>
          Accept <kbd>a</kbd>
        </button>
        <button type="button" class="reject" aria-pressed={own?.decision === "reject"} onClick={() => say("reject")}>
          Reject <kbd>r</kbd>
        </button>
        <button type="button" disabled={!response} aria-expanded={changes} onClick={() => setChanges(!changes)}>
          Change <kbd>c</kbd>
        </button>
        <button type="button" class="quiet" disabled={!own && !ofResponse} onClick={() => {
          if (own) say("none");
          if (ofResponse) decide({ sample_id: sample.sample_id, decision: "none", rid: response.rid });
        }}>
          Undo <kbd>u</kbd>
        </button>
        <input
          ref={note}
          type="text"
          maxLength={10000}
          placeholder="Note (n), saved with the decision"
          aria-label="Note"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur();
          }}
        />
      </div>
      {changes && response && (
        <Change key={`${sample.sample_id} ${response.rid}`} sample={sample} response={response} note={text} decide={(each) => {
          decide(each);
          setChanges(false);
        }} />
      )}
      <p class="said" role="status">
        {trouble && <span class="failed">{trouble}</span>}
        {own && (
          <span>
            <Mark decision={own.decision} /> {own.decision} {own.who && `by ${own.who} `}
            <span class="pale">{own.at}</span>
          </span>
        )}
        {ofResponse && (
          <span>
            <Mark decision={ofResponse.decision} /> response {ofResponse.rid} changed{" "}
            <span class="pale">{ofResponse.at}</span>
          </span>
        )}
      </p>
    </section>
  );
}

function Change(props: { sample: Sample; response: Response; note: string; decide: (decision: Decision) => void }) {
  const { sample, response, note, decide } = props;
  const [start, setStart] = useState(String(response.start_s));
  const [end, setEnd] = useState(String(response.end_s));
  const [text, setText] = useState(response.text);
  const wrong = !(Number(start) >= 0 && Number(end) >= Number(start) && start !== "" && end !== "") || !text.trim();
  return (
    <form
      class="change"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return;
        decide({
          sample_id: sample.sample_id,
          decision: "change",
          rid: response.rid,
          ...(Number(start) !== response.start_s ? { start_s: Number(start) } : {}),
          ...(Number(end) !== response.end_s ? { end_s: Number(end) } : {}),
          ...(text !== response.text ? { text } : {}),
          ...(note ? { note } : {}),
        });
      }}
    >
      <label>
        from, s <input type="number" min="0" step="any" value={start} onInput={(event) => setStart(event.currentTarget.value)} />
      </label>
      <label>
        to, s <input type="number" min="0" step="any" value={end} onInput={(event) => setEnd(event.currentTarget.value)} />
      </label>
      <label class="long">
        text <input type="text" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={wrong}>
        Save the change
      </button>
    </form>
  );
}

/** How decisions leave a page that nobody serves. */
export function TakeAway({ decisions, command, name }: { decisions: Decisions; command: string; name: string }) {
  const [who, setWho] = useState(decisions.who);
  const lines = decisions.lines;
  return (
    <details class="away">
      <summary>{plural(decisions.number, "decision")}</summary>
      <div class="card">
        <label>
          Your name <input type="text" value={who} onInput={(event) => {
            setWho(event.currentTarget.value);
            decisions.who = event.currentTarget.value;
          }} />
        </label>
        {decisions.canSave ? (
          <p>
            Each decision is a line of <code>decisions.jsonl</code> in the folder of the run. The next run applies them:
          </p>
        ) : lines ? (
          <>
            <p>
              They are kept in this browser. <button type="button" onClick={() => download(`decisions-${name}.jsonl`, lines)}>Download decisions</button>, add
              the lines to <code>decisions.jsonl</code> in the folder of the run, and run it again:
            </p>
            <textarea readOnly rows={4} aria-label="Decisions, a line each" value={lines} />
          </>
        ) : (
          <p>Decisions are kept in this browser; from here they go into a file.</p>
        )}
        <pre tabIndex={0}>{command}</pre>
      </div>
    </details>
  );
}

function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
