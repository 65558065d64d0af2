"""Makes a corpus, trains on it, streams held-out scenes through what was trained, and scores it.

    python study.py FOLDER
    python study.py FOLDER --objectives cross_entropy loss_scale paper --negatives with without

What is done already is not done again: after an interruption, give the same command. The figures
are printed, and written to FOLDER/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).resolve().parent
TURNWISE = (sys.executable, HERE.parents[1] / "pipeline" / "run.py")
SYSTEM = ("--system", HERE / "system.txt")
MEASURES = ("state_f1", "ovo_timing", "false_alarms")
MAX_TOKENS = 24
"""Of an answer: more than any that is expected."""
SHOWN = (
    "state_f1 macro-F1",
    "ovo_timing F1",
    "state_f1 silence",
    "state_f1 standby",
    "state_f1 response",
    "false_alarms a minute",
)
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Of Student's t, by the number of seeds: half a 95 % interval, in standard errors."""

Values = Mapping[str, float]


class Study:
    """A folder, in which each step is done once and leaves its log."""

    def __init__(self, folder: Path, given: argparse.Namespace) -> None:
        """Makes the folder."""
        self._folder, self._given = folder, given
        self._corpus, self._export = folder / "run" / "corpus", folder / "export"
        for name in ("steps", "models", "said"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def _once(self, name: str, *command: object) -> None:
        done = self._folder / "steps" / f"{name}.done"
        if done.exists():
            return
        print(name, flush=True)
        log = done.with_suffix(".log")
        with log.open("w", encoding="utf-8") as file:
            ended = subprocess.run(
                [str(each) for each in command],
                cwd=self._folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1])},
                check=False,
            )
        if ended.returncode:
            raise SystemExit(f"{name} failed:\n{log.read_text(encoding='utf-8')[-4000:]}")
        done.touch()

    def make_corpus(self) -> None:
        """Scenes, a run over them, and its export."""
        counts = ("--train", self._given.train, "--test", self._given.test)
        self._once("scenes", sys.executable, HERE / "scenes.py", self._folder, *counts)
        run = ("run", "-c", HERE / "config.yaml", "--set", f"run.root={self._folder / 'run'}")
        manifest = ("--set", f"source.path={self._folder / 'manifest.jsonl'}")
        self._once("run", *TURNWISE, *run, *manifest)
        self._once("export", *TURNWISE, "export", self._corpus, "-o", self._export, *SYSTEM)

    def model(self, objective: str, negatives: str, seed: int) -> Values:
        """What one scores that is trained so."""
        name = f"{objective}-{negatives}-{seed}"
        model, said = self._folder / "models" / name, self._folder / "said" / f"{name}.jsonl"
        how = ["--objective", objective, "--seed", seed, "--steps", self._given.steps]
        how += ["--no-negatives"] if negatives == "without" else []
        train = (sys.executable, HERE / "train.py", self._export, model)
        self._once(f"train-{name}", *train, *how)
        held_out = ("--on", self._corpus, "--split", "test", "--limit", self._given.watched)
        watch = ("stream", model, *held_out, "--max-tokens", MAX_TOKENS, *SYSTEM, "-o", said)
        self._once(f"stream-{name}", *TURNWISE, *watch)
        return self._score(said)

    def silence(self) -> Values:
        """What the state of most turns scores in every turn, of the samples that were watched."""
        watched = next((self._folder / "said").glob("*-*.jsonl"))
        said = self._folder / "said" / "silence.jsonl"
        with watched.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        predictions = [
            {"sample_id": row["sample_id"], "states": ["silence"] * len(row["states"])}
            for row in rows
        ]
        said.write_text("".join(json.dumps(each) + "\n" for each in predictions), encoding="utf-8")
        return self._score(said)

    def _score(self, said: Path) -> Values:
        which = [each for name in MEASURES for each in ("--measure", name)]
        command = [*TURNWISE, "score", said, "--against", self._corpus, "--only-predicted"]
        done = subprocess.run(
            [*map(str, command), *which, "--text", "any", "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        return {
            f"{score['measure']} {name}": value or 0.0
            for score in json.loads(done.stdout)["scores"]
            for task in score["tasks"]
            for name, value in task["values"].items()
        }


def interval(values: Sequence[float]) -> str:
    """Mean, and half of its 95 % interval by Student's t; of one seed, the value alone."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
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
    parser.add_argument("--test", type=int, default=60, help="scenes that are held out")
    parser.add_argument("--watched", type=int, default=60, help="samples of them, at most")
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--at-once", type=int, default=2, help="models, each with one thread")
    given = parser.parse_args()
    study = Study(given.folder.resolve(), given)
    study.make_corpus()
    ways = list(product(given.objectives, given.negatives, given.seeds))
    with ThreadPoolExecutor(given.at_once) as threads:
        scores = list(threads.map(lambda way: study.model(*way), ways))
    rows: dict[str, list[Values]] = {}
    for (objective, negatives, _), values in zip(ways, scores, strict=True):
        rows.setdefault(f"{objective}, {negatives} negatives", []).append(values)
    baseline = study.silence()
    settings = {name: value for name, value in vars(given).items() if name != "folder"}
    results = {"settings": settings, "silence": baseline, "trained": rows}
    (given.folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(table(baseline, rows))


if __name__ == "__main__":
    main()
