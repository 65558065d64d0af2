"""How fast annotations become dialogues on disk, beside the official algorithm in the same run.

    python benchmarks/dialogue.py [--annotations N] [--out FOLDER]

Makes so many annotations (50,000 when nothing is said), of the tasks and durations of
Streamo-Instruct-465K, and takes each chunk of them all ways in turn, in this one process. Says the
CPU time of a row: of the functions that make it, and with what is written of it.

``official``: raw rows by the algorithm of the official converter, as stream rows in JSON Lines.
``convert``: the same raw rows as ``convert`` reads them, written to the same format.
``compile``: annotations as the workflow has them, written to the same format.
``parquet``: the same annotations, written as the corpus is.

Whole files: ``script`` is what the official script does (``json.load``, its algorithm,
``json.dump`` with an indentation of 2); ``verb`` is ``convert``, ``verb_compat`` with ``--compat``.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.corpus.convert import Reading, convert, convert_officially
from pipeline.corpus.export.exporter import Shape
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import View
from pipeline.corpus.forms import DIALOGUE_FORM
from pipeline.corpus.parquet import ParquetFiles
from pipeline.corpus.streamo.official_converter import official_row
from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import even_tiling
from pipeline.execution.collector import collect_seldom
from pipeline.records import Annotation, Dialogue, Video
from pipeline.store.files.json_writer import JsonWriter

CHUNK = 250
Timed = tuple[dict[str, Any], int]
"""A raw row, and how long its video is in seconds."""

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


def raw_rows(count: int) -> Iterator[Timed]:
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


VIEW = View(STATE_TOKENS["official"], "Watch.", lambda head: head.uri, lambda head, i: "", False)


@dataclass
class Clock:
    """CPU time that is spent on the work, and not on making what is worked on."""

    seconds: float = 0.0

    def __enter__(self) -> None:
        """Goes on."""
        self._from = time.process_time()

    def __exit__(self, *_: object) -> None:
        """Stands still."""
        self.seconds += time.process_time() - self._from


@dataclass
class Way:
    """One way from rows to a file: its functions alone, and with what is written."""

    functions: Clock = field(default_factory=Clock)
    written: Clock = field(default_factory=Clock)


class Bench:
    """All ways over the same rows, chunk after chunk, so that none has the quieter machine."""

    def __init__(self, folder: Path) -> None:
        """``folder`` gets the files."""
        self.folder = folder
        self.ways = {name: Way() for name in ("official", "convert", "compile", "parquet")}
        self.verbs = {name: Way() for name in ("script", "verb", "verb_compat")}
        self.files = ParquetFiles(folder, DIALOGUE_FORM, 0, 500_000_000)

    def chunk(self, rows: Sequence[Timed], number: int) -> None:
        """One chunk through every way; each is first as often as the others."""
        numbered = [(*one, number + i) for i, one in enumerate(rows)]
        annotations = [_annotation(row, place) for row, _, place in numbered]
        timed = [
            (made, duration_s) for made, (_, duration_s) in zip(annotations, rows, strict=True)
        ]
        work: list[Callable[[], None]] = [
            partial(self._rows, "official", _official, rows),
            partial(self._rows, "convert", _converted, numbered),
            partial(self._rows, "compile", _ours, timed),
            partial(self._parquet, timed),
            partial(self._verbs, rows),
        ]
        shift = number // len(rows) % len(work)
        for do in (*work[shift:], *work[:shift]):
            do()

    def _rows(self, name: str, make: Callable[..., Any], rows: Iterable[tuple[Any, ...]]) -> None:
        way = self.ways[name]
        with JsonWriter(self.folder / f"{name}.jsonl", compact=name != "official") as writer:
            for row in rows:
                with way.functions:
                    made = make(*row)
                with way.written:
                    writer.write(made)

    def _parquet(self, rows: Iterable[tuple[Annotation, int]]) -> None:
        way = self.ways["parquet"]
        for annotation, duration_s in rows:
            with way.functions:
                made = compiled(annotation, float(duration_s))
            with way.written:
                self.files.add(f"data/{made.task}", made, "train", made.task)

    def _verbs(self, rows: Sequence[Timed]) -> None:
        source = self.folder / "raw.json"
        named = [{**row, "video_name": f"v{i}"} for i, (row, _) in enumerate(rows)]
        durations_s = {f"v{i}": float(duration_s) for i, (_, duration_s) in enumerate(rows)}
        for row in named:
            row["video_path"] = row["video_name"]
        source.write_text(json.dumps(named))
        with self.verbs["script"].functions:
            _script(source, self.folder / "script.json", durations_s)
        reading = Reading(durations_s=durations_s)
        shape = Shape(FORMATS["stream"], STATE_TOKENS["official"], "Watch.")
        with self.verbs["verb"].functions:
            convert(source, self.folder / "verb.jsonl", shape, reading)
        with self.verbs["verb_compat"].functions:
            convert_officially(source, self.folder / "compat.json", "Watch.", reading)


def _official(row: dict[str, Any], duration_s: int) -> Any:
    return official_row(row, duration_s, fps=1.0, system="Watch.")


def _converted(row: dict[str, Any], duration_s: int, number: int) -> Any:
    return _ours(_annotation(row, number), duration_s)


def _ours(annotation: Annotation, duration_s: int) -> Any:
    (row,) = FORMATS["stream"].write(compiled(annotation, float(duration_s)), VIEW)
    return row


def _script(source: Path, target: Path, durations_s: Mapping[str, float]) -> None:
    """What the official script does with a file, but for looking at the videos."""
    with source.open(encoding="utf-8") as file:
        rows = json.load(file)
    made = [_official(row, int(durations_s[row["video_name"]])) for row in rows]
    with target.open("w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=False, indent=2)


def _annotation(row: dict[str, Any], number: int) -> Annotation:
    return read_raw(row, number=number, origin="auto", default_question="?").annotation


def _held_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--annotations", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=None, help="keep the files here")
    given = parser.parse_args()
    collect_seldom()
    once = Clock()
    with once:
        pa.array([0.0])  # with its first array Arrow loads pandas
    turns, rows = 0, raw_rows(given.annotations)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        bench, held = Bench(folder), list[float]()
        for number in range(0, given.annotations, CHUNK):
            chunk = list(islice(rows, CHUNK))
            bench.chunk(chunk, number)
            turns += sum(duration_s for _, duration_s in chunk)
            held.append(_held_mib())
        with bench.ways["parquet"].written:
            bench.files.finish()
    print(f"{given.annotations:,} annotations, {turns:,} turns, in microseconds of CPU a row")
    print("| way | functions | of official | with what is written | of official | rows/s |")
    print("|---|---|---|---|---|---|")
    first = bench.ways["official"]
    whole_s = first.functions.seconds + first.written.seconds
    for name, way in bench.ways.items():
        own_s = way.functions.seconds
        all_s = own_s + way.written.seconds
        cells = (
            f"{own_s / given.annotations * 1e6:,.1f}",
            f"{own_s / first.functions.seconds:.2f}",
            f"{all_s / given.annotations * 1e6:,.1f}",
            f"{all_s / whole_s:.2f}",
            f"{given.annotations / all_s:,.0f}",
        )
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n| whole verb | a row | of the script | rows/s |")
    print("|---|---|---|---|")
    script_s = bench.verbs["script"].functions.seconds
    for name, way in bench.verbs.items():
        own_s = way.functions.seconds
        cost = f"{own_s / given.annotations * 1e6:,.1f} | {own_s / script_s:.2f}"
        print(f"| {name} | {cost} | {given.annotations / own_s:,.0f} |")
    print(f"\nbefore the first array of a process: {once.seconds * 1e3:,.0f} ms")
    quarters = (held[len(held) * part // 4 - 1] for part in (1, 2, 3, 4))
    print(f"MiB held at most, by quarter: {', '.join(f'{each:,.0f}' for each in quarters)}")


if __name__ == "__main__":
    main()
