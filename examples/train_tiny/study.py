"""Makes a corpus, trains on it, streams held-out scenes through what was trained, and scores it.

    python study.py FOLDER
    python study.py FOLDER --objectives cross_entropy loss_scale paper --negatives with without

What is done already is not done again: after an interruption, give the same command. What is done
by other code or settings is. The figures are printed, and written to a file as each model is
scored. A setting is chosen with ``--on validation``; ``test`` is for what is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from hashlib import sha256
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
TURNWISE = (sys.executable, HERE.parents[1] / "pipeline" / "run.py")
SYSTEM = ("--system", HERE / "system.txt")
SOURCES = {
    "scenes": ("scenes.py",),
    "run": ("config.yaml",),
    "export": ("system.txt",),
    "train": ("checkpoint.py", "train.py"),
    "stream": (),
}
"""Files that a step is made by, beside its command and the step before."""
SPLITS = ("train", "validation", "test")
MEASURES = ("state_f1", "ovo_timing", "false_alarms")
STEPS = 1500
MAX_TOKENS = 24
"""Of an answer: more than any that is expected."""
ALARMS = "false_alarms silent questions"
"""Share of the questions about what never occurs to which nothing is said."""
HEEDED = "videos heeded"
"""Share of the videos in which it does not do the same whatever is asked, of those in which that is
never right. It is 0 of a model that looks and does not listen, whatever its other figures are."""
SHOWN = (
    "state_f1 macro-F1",
    "ovo_timing F1",
    "state_f1 silence",
    "state_f1 standby",
    "state_f1 response",
    "false_alarms a minute",
    ALARMS,
    HEEDED,
)
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Of Student's t, by the number of seeds: half a 95 % interval, in standard errors."""

Values = Mapping[str, float]


class Way(NamedTuple):
    """How a model is trained."""

    objective: str
    negatives: str
    seed: int

    @property
    def name(self) -> str:
        """Of its steps and files."""
        return f"{self.objective}-{self.negatives}-{self.seed}"

    @property
    def row(self) -> str:
        """Of the table; those of all seeds are one."""
        return f"{self.objective}, {self.negatives} negatives"


class Study:
    """A folder, in which each step is done once and leaves its log."""

    def __init__(self, folder: Path, given: argparse.Namespace) -> None:
        """Makes the folder."""
        self._folder, self._given = folder, given
        self._corpus, self._export = folder / "run" / "corpus", folder / "export"
        self.cpu_s: dict[str, float] = {}
        """What each step took."""
        for name in ("steps", "models", "said"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def _once(self, name: str, after: str, *command: object, remove: Path | None = None) -> str:
        """A digest of all that the step was made by: its command, its files, the step before."""
        words = [str(each) for each in command]
        code = [(HERE / each).read_bytes() for each in SOURCES[name.partition("-")[0]]]
        made_by = sha256(b"".join([*code, after.encode(), *map(str.encode, words)])).hexdigest()
        done = self._folder / "steps" / f"{name}.json"
        kept = json.loads(done.read_text("utf-8")) if done.exists() else {}
        if kept.get("made_by") != made_by:
            print(name, flush=True)
            if remove is not None:
                remove.unlink(missing_ok=True)
                remove.with_name(f"{remove.name}.protocol.json").unlink(missing_ok=True)
            kept = {"made_by": made_by, "cpu_s": round(self._run(name, words), 1)}
            done.write_text(json.dumps(kept) + "\n", encoding="utf-8")
        self.cpu_s[name] = kept["cpu_s"]
        return made_by

    def _run(self, name: str, words: Sequence[str]) -> float:
        """Seconds of CPU, of all processes that it waited for: of a run not its workers."""
        log = self._folder / "steps" / f"{name}.log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                words,
                cwd=self._folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1])},
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{name} failed:\n{log.read_text(encoding='utf-8')[-4000:]}")
        return usage.ru_utime + usage.ru_stime

    def make_corpus(self) -> str:
        """Scenes, a run over them, and its export; a digest of what they were made by."""
        counts = [f"--{split}={vars(self._given)[split]}" for split in SPLITS]
        made = self._once("scenes", "", sys.executable, HERE / "scenes.py", self._folder, *counts)
        run = ("run", "-c", HERE / "config.yaml", "--set", f"run.root={self._folder / 'run'}")
        manifest = ("--set", f"source.path={self._folder / 'manifest.jsonl'}")
        made = self._once("run", made, *TURNWISE, *run, *manifest)
        command = (*TURNWISE, "export", self._corpus, "-o", self._export, *SYSTEM)
        return self._once("export", made, *command)

    def model(self, way: Way, corpus: str) -> Values:
        """What one scores that is trained so."""
        name = way.name
        model = self._folder / "models" / name
        how = ["--objective", way.objective, "--seed", way.seed, "--steps", self._given.steps]
        how += ["--no-negatives"] if way.negatives == "without" else []
        train = (sys.executable, HERE / "train.py", self._export, model)
        trained = self._once(f"train-{name}", corpus, *train, *how)
        said = self._said(way)
        held_out = ("--on", self._corpus, "--split", self._given.on, "--limit", self._given.watched)
        watch = ("stream", model, *held_out, "--max-tokens", MAX_TOKENS, *SYSTEM, "-o", said)
        self._once(f"stream-{self._given.on}-{name}", trained, *TURNWISE, *watch, remove=said)
        return self._score(said)

    def silence(self, watched: Way) -> Values:
        """What the state of most turns scores in every turn, of the samples that one watched."""
        said = self._folder / "said" / "silence.jsonl"
        with self._said(watched).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        predictions = [
            {"sample_id": row["sample_id"], "states": ["silence"] * len(row["states"])}
            for row in rows
        ]
        said.write_text("".join(json.dumps(each) + "\n" for each in predictions), encoding="utf-8")
        return self._score(said)

    def _said(self, way: Way) -> Path:
        return self._folder / "said" / f"{self._given.on}-{way.name}.jsonl"

    def _score(self, said: Path) -> Values:
        which = [each for name in MEASURES for each in ("--measure", name)]
        command = [*TURNWISE, "score", said, "--against", self._corpus, "--only-predicted"]
        done = subprocess.run(
            [*map(str, command), *which, "--text", "any", "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        values = {
            f"{score['measure']} {name}": value or 0.0
            for score in json.loads(done.stdout)["scores"]
            for task in score["tasks"]
            for name, value in task["values"].items()
        }
        return {**values, HEEDED: self._heeded(said)}

    def _heeded(self, said: Path) -> float:
        with (self._export / f"{self._given.on}.jsonl").open(encoding="utf-8") as lines:
            rows = {row["sample_id"]: row for row in map(json.loads, lines)}
        right: dict[str, set[tuple[str, ...]]] = {}
        done: dict[str, set[tuple[str, ...]]] = {}
        with said.open(encoding="utf-8") as lines:
            for one in map(json.loads, lines):
                row = rows[one["sample_id"]]
                answers = [m["content"] for m in row["messages"] if m["role"] == "assistant"]
                states = tuple(answer.partition(">")[0] for answer in answers)
                right.setdefault(row["video_name"], set()).add(states)
                done.setdefault(row["video_name"], set()).add(tuple(one["states"]))
        differ = [video for video, states in right.items() if len(states) > 1]
        return sum(len(done[video]) > 1 for video in differ) / len(differ) if differ else 0.0


def interval(values: Sequence[float]) -> str:
    """Mean, and half of its 95 % interval by Student's t; of one seed, the value alone. Seeds
    that all have one value say nothing of how much others would differ."""
    if len({*values}) == 1:
        return f"{values[0]:.3f}" + (" (all alike)" if len(values) > 1 else "")
    half = T_95[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.3f} ± {half:.3f}"


def table(baseline: Values, rows: Mapping[str, Sequence[Values]]) -> str:
    """In Markdown: a line a way of training, what silence scores first."""
    lines = [["trained with", *(name.replace("_", " ") for name in SHOWN)]]
    lines += [["---"] * len(lines[0])]
    lines += [["nothing: always silent", *(f"{baseline[name]:.3f}" for name in SHOWN)]]
    for name, scores in rows.items():
        lines += [[name, *(interval([each[shown] for each in scores]) for shown in SHOWN)]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Trains in every way that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objectives", nargs="+", default=["paper"])
    parser.add_argument("--negatives", nargs="+", choices=["with", "without"], default=["with"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--train", type=int, default=300, help="scenes to train on")
    parser.add_argument("--validation", type=int, default=40, help="scenes to choose by")
    parser.add_argument("--test", type=int, default=60, help="scenes that are held out")
    parser.add_argument("--on", choices=SPLITS[1:], default="test", help="what is watched")
    parser.add_argument("--watched", type=int, default=100, help="samples of it, at most")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--at-once", type=int, default=3, help="models, each with one thread")
    parser.add_argument("--results", type=Path, help="file of the figures [FOLDER/results.json]")
    given = parser.parse_args()
    study = Study(given.folder.resolve(), given)
    corpus = study.make_corpus()
    ways = [
        Way(objective, negatives, seed)
        for seed, objective, negatives in product(given.seeds, given.objectives, given.negatives)
    ]
    file = given.results or given.folder / "results.json"
    settings = {key: each for key, each in vars(given).items() if key not in ("folder", "results")}
    scores: dict[Way, Values] = {}
    rows: dict[str, dict[int, Values]] = {}
    with ThreadPoolExecutor(given.at_once) as threads:
        waiting = {threads.submit(study.model, way, corpus): way for way in ways}
        for done in as_completed(waiting):
            scores[waiting[done]] = done.result()
            rows.clear()
            for way in (way for way in ways if way in scores):
                rows.setdefault(way.row, {})[way.seed] = scores[way]
            results = {
                "settings": settings,
                "cpu_s": dict(sorted(study.cpu_s.items())),
                "silence": study.silence(waiting[done]),
                "trained": rows,
            }
            file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results["silence"], {name: [*of.values()] for name, of in rows.items()}))


if __name__ == "__main__":
    main()
