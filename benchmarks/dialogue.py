"""How fast annotations become dialogues on disk, beside the official algorithm in the same run.

    python benchmarks/dialogue.py [--annotations N] [--out FOLDER]

Makes so many annotations (465,000 when nothing is said), of the tasks and durations of
Streamo-Instruct-465K, one after the other; compiles and writes them, in this one process; and says
the rate of each way and the most memory that the process has held by then.

``official``: raw rows by the algorithm of the official converter, as stream rows in JSON Lines.
``convert``: the same raw rows as ``convert`` reads them, written to the same format.
``compile``: annotations as the workflow has them, written to the same format.
``parquet``: the same annotations, written as the corpus is.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import View
from pipeline.corpus.parquet import ParquetFiles
from pipeline.corpus.streamo.official_converter import official_row
from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import even_tiling
from pipeline.execution.worker import collect_seldom
from pipeline.records import Annotation, Dialogue, Video

# Shares of tasks and of durations in seconds: arXiv:2512.21334, supplement, figure 3.
TASKS = {"tsqa": 34.8, "event_grounding": 26.3, "offline_qa": 13.8, "narration": 12.7,
         "event_caption": 6.7, "action_caption": 5.8}  # fmt: skip
DURATIONS_S = {
    (5, 30): 50.25,
    (30, 60): 14.1,
    (60, 120): 16.07,
    (120, 240): 15.11,
    (240, 400): 4.5,
}
WORDS = "a person in red opens the door of a small car and puts two boxes on its seat".split()  # noqa: SIM905


def raw_rows(count: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Raw rows and how long their videos are, the same at every call."""
    chance = random.Random(0)
    bins, weights = list(DURATIONS_S), list(DURATIONS_S.values())
    for number in range(count):
        (task,) = chance.choices(list(TASKS), list(TASKS.values()))
        (low, high), = chance.choices(bins, weights)  # fmt: skip
        duration_s = chance.randint(low, high)
        times = {
            "tsqa": 3, "event_grounding": 1, "offline_qa": 1, "narration": max(2, duration_s // 6),
            "event_caption": max(2, duration_s // 20), "action_caption": max(2, duration_s // 15),
        }[task]  # fmt: skip
        cuts = sorted(chance.sample(range(1, duration_s), min(times, duration_s - 1)))
        said = [" ".join(chance.choices(WORDS, k=8)) + f" {k}" for k in range(len(cuts))]
        if task in ("tsqa", "narration"):
            responses = [
                {"content": text, "st_time": "", "end_time": "", "time": cut}
                for text, cut in zip(said, cuts, strict=True)
            ]
        else:
            responses = [
                {"content": text, "st_time": max(1, cut - 6), "end_time": cut, "time": ""}
                for text, cut in zip(said, cuts, strict=True)
            ]
        name = f"video_{number // 4}.mp4"
        yield {
            "video_name": name, "video_path": f"videos/{name}", "task_type": task,
            "source": "made_up", "question": [{"content": "What happens here?", "time": "1"}],
            "response": responses,
        }, duration_s  # fmt: skip


VIDEO = Video(
    video_id="", uri="", source="made_up", duration_s=0, width=640, height=360, rotation_deg=0,
    codec="", frame_rate=0, sha256="",
)  # fmt: skip


def compiled(annotation: Annotation, duration_s: float) -> Dialogue:
    name = annotation.video_id
    video = Video.trusted({**vars(VIDEO), "video_id": name, "uri": name, "duration_s": duration_s})
    tiling = even_tiling(name, duration_s, 1.0)
    return build_dialogues(video, tiling, [annotation], annotation.annotation_id)[0][0]


class Clock:
    """Time that is spent on the work, and not on making what is worked on."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self.seconds = 0.0

    def __enter__(self) -> None:
        """Goes on."""
        self._from = time.process_time()

    def __exit__(self, *_: object) -> None:
        """Stands still."""
        self.seconds += time.process_time() - self._from


def official(count: int, folder: Path, clock: Clock) -> int:
    turns = 0
    with (folder / "official.jsonl").open("w", encoding="utf-8") as file:
        for row, duration_s in raw_rows(count):
            with clock:
                made = official_row(row, duration_s, fps=1.0, system="Watch.")
                file.write(json.dumps(made, ensure_ascii=False) + "\n")
            turns += duration_s
    return turns


def ours(count: int, folder: Path, clock: Clock, *, from_rows: bool) -> int:
    view = View(
        STATE_TOKENS["official"], "Watch.", lambda head: head.uri, lambda head, i: "", False
    )
    write, turns = FORMATS["stream"].write, 0
    with (folder / f"{from_rows}.jsonl").open("w", encoding="utf-8") as file:
        for number, (row, duration_s) in enumerate(raw_rows(count)):
            if not from_rows:
                annotation = _annotation(row, number)
            with clock:
                if from_rows:
                    annotation = _annotation(row, number)
                for made in write(compiled(annotation, float(duration_s)), view):
                    file.write(json.dumps(made, ensure_ascii=False) + "\n")
            turns += duration_s
    return turns


def parquet(count: int, folder: Path, clock: Clock) -> int:
    turns = 0
    with ParquetFiles(folder, 50_000) as files:
        for number, (row, duration_s) in enumerate(raw_rows(count)):
            annotation = _annotation(row, number)
            with clock:
                files.add(compiled(annotation, float(duration_s)))
            turns += duration_s
        with clock:
            files.finish()
    return turns


def _annotation(row: dict[str, Any], number: int) -> Annotation:
    return read_raw(row, number=number, origin="auto", default_question="?").annotation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--annotations", type=int, default=465_000)
    parser.add_argument("--out", type=Path, default=None, help="keep the files here")
    given = parser.parse_args()
    ways: dict[str, Callable[[int, Path, Clock], int]] = {
        "official": official,
        "convert": lambda *a: ours(*a, from_rows=True),
        "compile": lambda *a: ours(*a, from_rows=False),
        "parquet": parquet,
    }
    collect_seldom()
    rate = 0.0
    print("| way | annotations/s | turns/s | of the official rate | MiB held at most |")
    print("|---|---|---|---|---|")
    for name, way in ways.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder, clock = given.out or Path(temporary), Clock()
            folder.mkdir(parents=True, exist_ok=True)
            turns = way(given.annotations, folder, clock)
        rate = rate or given.annotations / clock.seconds
        own = given.annotations / clock.seconds
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        per_s = f"{own:,.0f} | {turns / clock.seconds:,.0f}"
        print(f"| {name} | {per_s} | {own / rate:.2f} | {held:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
