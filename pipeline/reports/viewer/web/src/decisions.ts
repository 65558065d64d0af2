// What a person decides: sent to whoever serves the report, or kept in the browser to be taken away.

export interface Decision {
  sample_id: string;
  decision: "accept" | "reject" | "change" | "none";
  rid?: string;
  start_s?: number;
  end_s?: number;
  text?: string;
  note?: string;
  who?: string;
  at?: string;
}

const KEY = "turnwise decisions";
const WHO = "turnwise who";
const keyOf = (each: Decision): string => `${each.sample_id} ${each.rid ?? ""}`;

function kept(name: string): string {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return ""; // the browser keeps nothing of this page
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // They stay until the page is left.
  }
}

export class Decisions {
  private held = new Map<string, Decision>();
  private own: Decision[] = [];
  private listeners = new Set<() => void>();

  constructor(
    private run: string,
    readonly canSave: boolean,
    saved: Decision[],
  ) {
    saved.forEach((each) => this.take(each));
    if (!canSave) {
      try {
        this.own = JSON.parse(kept(`${KEY} ${run}`) || "[]") as Decision[];
      } catch {
        this.own = [];
      }
      this.own.forEach((each) => this.take(each));
    }
  }

  get who(): string {
    return kept(WHO);
  }

  set who(name: string) {
    keep(WHO, name);
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  of(sampleId: string, rid = ""): Decision | undefined {
    return this.held.get(keyOf({ sample_id: sampleId, decision: "none", rid }));
  }

  /** In a word: that of the sample, or of any of its responses. */
  mark(sampleId: string): string {
    const own = this.of(sampleId);
    if (own) return own.decision;
    for (const each of this.held.values()) if (each.sample_id === sampleId) return each.decision;
    return "";
  }

  get number(): number {
    return this.held.size;
  }

  /** Those of this browser, a line each. */
  get lines(): string {
    return this.own.map((each) => `${JSON.stringify(each)}\n`).join("");
  }

  async decide(given: Decision): Promise<void> {
    const decision = { ...given, who: this.who, at: new Date().toISOString().slice(0, 19) + "+00:00" };
    if (this.canSave) {
      const answer = await fetch("decisions", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(decision),
      });
      if (!answer.ok) throw new Error(`not saved: ${await answer.text()}`);
      this.take((await answer.json()) as Decision);
    } else {
      this.own.push(decision);
      keep(`${KEY} ${this.run}`, JSON.stringify(this.own));
      this.take(decision);
    }
    for (const listener of this.listeners) listener();
  }

  private take(decision: Decision): void {
    if (decision.decision === "none") this.held.delete(keyOf(decision));
    else this.held.set(keyOf(decision), decision);
  }
}
