// The page: its two views, the address, and the keyboard.
import { render } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Filters, Grid, List } from "./browse";
import { clock } from "./clock";
import { load, sampleAt, type Index, type Loaded, type Overview } from "./data";
import { Decisions, type Decision } from "./decisions";
import { ALL, places, type Filter } from "./filter";
import { TakeAway } from "./judge";
import { OverviewView } from "./overview";
import { turnAt } from "./player";
import { SampleView } from "./sample";
import { count } from "./text";
import type { Chosen } from "./timeline";
import "./style.css";

type View = "overview" | "sample" | "grid";
const KEYS: [string, string][] = [
  ["space", "play, pause"],
  ["← →", "a turn"],
  ["shift ← →", "a response"],
  ["j k", "next, previous sample"],
  ["a r", "accept, reject"],
  ["n", "note"],
  ["c u", "change, undo"],
  ["o s g", "overview, sample, grid"],
  ["/", "search"],
  ["+ −", "zoom the timeline"],
  ["?", "these keys"],
];
const LOOK_EVERY_MS = 3000;

interface Address {
  view: View;
  id: string;
  time_s: number;
}

function readAddress(): Address {
  const given = new URLSearchParams(location.hash.slice(1));
  const view = given.has("sample") ? "sample" : given.has("grid") ? "grid" : "overview";
  const time_s = Number(given.get("t") ?? 0);
  return { view, id: given.get("sample") ?? "", time_s: Number.isFinite(time_s) ? time_s : 0 };
}

function writeAddress({ view, id, time_s }: Address): void {
  const hash = view === "sample" ? `#sample=${encodeURIComponent(id)}&t=${Number(time_s.toFixed(1))}` : `#${view}`;
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

interface State {
  overview: Overview;
  index: Index;
}

function Page({ start, decisions }: { start: State; decisions: Decisions }) {
  const [{ overview, index }, setState] = useState(start);
  const [view, setView] = useState<View>(() => readAddress().view);
  const [filter, setFilter] = useState<Filter>(ALL);
  const [at, setAt] = useState(() => Math.max(0, index.id.indexOf(readAddress().id)));
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [trouble, setTrouble] = useState("");
  const [help, setHelp] = useState(false);
  const [browsing, setBrowsing] = useState(false);
  const [version, setVersion] = useState(0);
  const note = useRef<HTMLInputElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const start_s = useRef(readAddress().time_s);

  useEffect(() => decisions.listen(() => setVersion((before) => before + 1)), [decisions]);
  const found = useMemo(
    () => places(index, filter, decisions),
    [index, filter, decisions, filter.decided && version],
  );

  const id = index.id[at];
  useEffect(() => {
    let wanted = true;
    if (!id) return;
    sampleAt(index, at)
      .then((next) => {
        if (!wanted) return;
        const { turns, duration_s, responses } = next.sample;
        const first_s = turns.starts[0] ?? 0;
        clock.reset(Math.max(duration_s, turns.ends.at(-1) ?? 0), Math.max(first_s, start_s.current));
        start_s.current = 0;
        setChosen(responses[0] ? { kind: "response", rid: responses[0].rid } : null);
        setLoaded(next);
        setTrouble("");
      })
      .catch((error: Error) => wanted && setTrouble(error.message));
    return () => {
      wanted = false;
    };
  }, [id]);

  useEffect(() => {
    const write = (time_s: number): void => {
      if (!clock.playing || Math.abs(readAddress().time_s - time_s) >= 1) writeAddress({ view, id: id ?? "", time_s });
    };
    if (view === "sample" && loaded?.sample.sample_id === id) {
      write(clock.time_s);
      return clock.listen(write);
    }
    if (view !== "sample") writeAddress({ view, id: id ?? "", time_s: 0 });
    return;
  }, [view, id, loaded]);

  useEffect(() => {
    const read = (): void => {
      const address = readAddress();
      setView(address.view);
      const place = index.id.indexOf(address.id);
      if (place < 0) return;
      if (place === at) clock.seek(address.time_s);
      else {
        start_s.current = address.time_s;
        setAt(place);
      }
    };
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, [index, at]);

  useFollowed(overview, index, setState, setAt, id, setTrouble);

  const choosePlace = useCallback((place: number) => {
    setAt(place);
    setView("sample");
    setBrowsing(false);
  }, []);
  const other = useCallback(
    (sampleId: string) => {
      const place = index.id.indexOf(sampleId);
      if (place >= 0) setAt(place);
    },
    [index],
  );
  const decide = useCallback(
    (decision: Decision) => {
      decisions.decide(decision).then(
        () => setTrouble(""),
        (error: Error) => setTrouble(error.message),
      );
    },
    [decisions],
  );
  const step = (by: number): void => {
    if (!found.length) return;
    const here = found.indexOf(at);
    const next = here < 0 ? 0 : Math.min(found.length - 1, Math.max(0, here + by));
    setAt(found[next]!);
    if (view === "overview") setView("sample");
  };

  useKeys({ loaded, decide, step, setView, setChosen, note, decisions, toggleHelp: () => setHelp(!help) });
  useEffect(() => {
    if (help) dialog.current?.showModal();
    else dialog.current?.close();
  }, [help]);

  const tab = (name: View, label: string) => (
    <button type="button" aria-current={view === name ? "page" : undefined} onClick={() => setView(name)}>
      {label}
    </button>
  );
  return (
    <>
      <header class="top">
        <h1>
          turnwise <span class="pale">{overview.name}</span>
        </h1>
        <nav aria-label="Views">
          {tab("overview", "Overview")}
          {tab("sample", "Sample")}
          {tab("grid", "Grid")}
        </nav>
        <span class="right">
          {overview.served && <Live overview={overview} />}
          <TakeAway key={version} decisions={decisions} command={overview.command} name={overview.name} />
          <button type="button" class="quiet" aria-label="Keys" onClick={() => setHelp(true)}>
            ?
          </button>
        </span>
      </header>
      {view === "overview" ? (
        <main>
          <OverviewView overview={overview} />
        </main>
      ) : (
        <main class={`samples view-${view}${browsing ? " browsing" : ""}`}>
          <aside aria-label="Browse">
            <button type="button" class="browse" aria-expanded={browsing} onClick={() => setBrowsing(!browsing)}>
              {browsing ? "Back to the sample" : `Browse ${count(found.length)} samples`}
            </button>
            <Filters index={index} filter={filter} set={setFilter} found={found.length} />
            {view === "sample" && <List index={index} found={found} at={at} decisions={decisions} choose={choosePlace} />}
          </aside>
          {view === "grid" ? (
            found.length ? (
              <Grid index={index} found={found} at={at} decisions={decisions} choose={choosePlace} />
            ) : (
              <p class="plain">No sample fits. Take a filter away.</p>
            )
          ) : loaded ? (
            <SampleView
              loaded={loaded}
              overview={overview}
              decisions={decisions}
              decide={decide}
              chosen={chosen}
              choose={setChosen}
              other={other}
              note={note}
              trouble={trouble}
            />
          ) : (
            <p class="plain">{trouble || (index.id.length ? "Loading the sample." : "The run has no samples yet.")}</p>
          )}
        </main>
      )}
      <dialog ref={dialog} aria-label="Keys" onClose={() => setHelp(false)} onClick={() => setHelp(false)}>
        <h2>Keys</h2>
        <dl class="keys">
          {KEYS.map(([key, meaning]) => (
            <div>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <button type="button">Close</button>
      </dialog>
    </>
  );
}

function Live({ overview }: { overview: Overview }) {
  const left = overview.nodes.reduce((all, node) => all + node.shards - node.shards_done, 0);
  return <span class="live">{left ? `following, ${count(left)} shards to go` : "all shards done"}</span>;
}

/** Where the report is served: look whether there is more of the run, and show it. */
function useFollowed(
  overview: Overview,
  index: Index,
  setState: (state: State) => void,
  setAt: (place: number) => void,
  id: string | undefined,
  setTrouble: (trouble: string) => void,
): void {
  useEffect(() => {
    if (!overview.served) return;
    const look = async (): Promise<void> => {
      const answer = await fetch("state").catch(() => null);
      if (!answer?.ok) return; // it is served no longer; what was loaded stays
      const { stamp, trouble } = (await answer.json()) as { stamp: string; trouble: string };
      if (trouble) setTrouble(trouble);
      if (stamp === overview.stamp) return;
      const next = { overview: await load<Overview>("overview", stamp), index: await load<Index>("index", stamp) };
      setState(next);
      setAt(Math.max(0, id ? next.index.id.indexOf(id) : 0));
    };
    const timer = setInterval(() => void look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [overview, index, id]);
}

interface Keyed {
  loaded: Loaded | null;
  decide: (decision: Decision) => void;
  step: (by: number) => void;
  setView: (view: View) => void;
  setChosen: (chosen: Chosen) => void;
  note: { current: HTMLInputElement | null };
  decisions: Decisions;
  toggleHelp: () => void;
}

function useKeys(keyed: Keyed): void {
  const latest = useRef(keyed);
  latest.current = keyed;
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      const types = target.matches("input:not([type=range]), textarea, select");
      if (types || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const slides = target.matches("input[type=range]") && event.key.startsWith("Arrow");
      const presses = event.key === " " && target.matches("button, summary, a");
      if (slides || presses) return;
      if (act(latest.current, event)) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

/** Whether the key means something. */
function act(keyed: Keyed, event: KeyboardEvent): boolean {
  const { loaded, decide, step, setView, setChosen, note, decisions } = keyed;
  const sample = loaded?.sample;
  switch (event.key) {
    case " ":
      clock.toggle();
      return true;
    case "ArrowLeft":
    case "ArrowRight": {
      if (!sample) return false;
      const by = event.key === "ArrowLeft" ? -1 : 1;
      const { starts, first } = sample.turns;
      const turn = turnAt(starts, clock.time_s);
      if (!event.shiftKey) {
        clock.seek(starts[Math.min(starts.length - 1, Math.max(0, turn + by))] ?? 0);
        return true;
      }
      const said = sample.responses.filter((each) => by * (each.turn - first - turn) > 0);
      const next = by > 0 ? said[0] : said.at(-1);
      if (next) {
        clock.seek(starts[next.turn - first] ?? 0);
        setChosen({ kind: "response", rid: next.rid });
      }
      return true;
    }
    case "j":
    case "k":
      step(event.key === "j" ? 1 : -1);
      return true;
    case "a":
    case "r":
      if (sample) {
        const text = note.current?.value ?? "";
        decide({
          sample_id: sample.sample_id,
          decision: event.key === "a" ? "accept" : "reject",
          ...(text ? { note: text } : {}),
        });
      }
      return true;
    case "u":
      if (sample && decisions.of(sample.sample_id)) decide({ sample_id: sample.sample_id, decision: "none" });
      return true;
    case "n":
      note.current?.focus();
      return true;
    case "c":
      document.querySelector<HTMLButtonElement>(".judge button[aria-expanded]")?.click();
      return true;
    case "+":
    case "=":
      document.querySelector<HTMLButtonElement>(".zoom .in")?.click();
      return true;
    case "-":
      document.querySelector<HTMLButtonElement>(".zoom .out")?.click();
      return true;
    case "o":
      setView("overview");
      return true;
    case "s":
      setView("sample");
      return true;
    case "g":
      setView("grid");
      return true;
    case "/":
      document.getElementById("search")?.focus();
      return true;
    case "?":
      keyed.toggleHelp();
      return true;
    default:
      return false;
  }
}

async function begin(): Promise<void> {
  const place = document.getElementById("page")!;
  try {
    const [overview, index, saved] = await Promise.all([
      load<Overview>("overview"),
      load<Index>("index"),
      load<Decision[]>("decisions"),
    ]);
    document.title = `${overview.name}, turnwise report`;
    const decisions = new Decisions(overview.name, overview.can_save, saved);
    place.textContent = "";
    render(<Page start={{ overview, index }} decisions={decisions} />, place);
  } catch (error) {
    place.textContent = `The report cannot be read: ${(error as Error).message}. Write it again with turnwise report.`;
  }
}

void begin();
