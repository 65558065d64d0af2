"""How fast a dataset becomes a manifest, and how much memory that takes.

    python benchmarks/manifest.py [--entries N] [--files N] [--out FOLDER] [--only WAY]

Generates an annotation file of N entries (default 1,000,000), each with a caption and a question,
and N empty video files in folders of a thousand; one entry in four is the second of its video, one
file in ten is missing. Makes the manifest in a process of its own, as JSON Lines and as Parquet,
and reports the rate and the peak memory of the process. `copy` reads the same file record by record
and writes it again: the cost of reading and writing alone.

`combined` makes one manifest of two sources with N entries in all: one video in ten is in both by
its platform id, one in a hundred of the second source is of its test split, a list holds out 10,000
ids, nine rows in ten are wanted, and they are in three bins of lengths.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.adapters.layouts import json_list
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest
from pipeline.manifest.reconcile.combination import Bin, Chosen
from pipeline.store.files.json_writer import JsonWriter

WORDS = "a person in red opens the door of a small car and puts two boxes on its seat"


class Record(RawRecord):
    """A record of the generated file."""

    id: str
    platform_id: str
    length: float
    split: str
    caption: str
    question: str
    span: list[float]


def entry(record: Record, pointer: str, split: str) -> Entry:
    start_s, end_s = record.span
    annotations = (
        RawAnnotation("event", record.caption, start_s, end_s, pointer=f"{pointer}/caption"),
        RawAnnotation(
            "qa", record.caption, question=record.question, pointer=f"{pointer}/question"
        ),
    )
    places = (Place(f"{record.id[:6]}/{record.id}.mp4", (0.0, record.length)),)
    return Entry(record.id, places, annotations, record.split, record.platform_id)


MADE_UP = Adapter(
    name="made_up",
    title="Made up",
    files=(AnnotationFile("*.jsonl", json_list, Record, entry),),
    proven=False,
    proof="made up",
    licence="own",
)


def records(count: int) -> Iterator[dict[str, object]]:
    """One in four is the second of an earlier video."""
    for number in range(count):
        video = number if number % 4 else number // 2
        yield {
            "id": f"{video // 1000:06}-{video % 1000:03}",
            "platform_id": f"youtube:{video:011}",
            "length": 10 + 40 * (video % 3),
            "split": "train",
            "caption": f" {WORDS} {number}",
            "question": f"What is number {number}?",
            "span": [number % 50, number % 50 + 5.5],
        }


def copy(folder: Path, out: Path) -> None:
    with JsonWriter(out) as writer:
        for _, row in json_list(folder / "annotations" / "all.jsonl"):
            writer.write(row)


def make(folder: Path, out: Path) -> None:
    source = Source("made_up", MADE_UP, folder / "annotations", [folder / "videos"])
    report, _ = make_manifest([source], out, load_licences())
    (account,) = report.accounts
    assert account.entries == account.written + account.rejected.total()
    print(report.to_text(), file=sys.stderr)


def combine(folder: Path, out: Path) -> None:
    sources = [
        Source(name, MADE_UP, folder / name, [folder / "videos"]) for name in ("first", "second")
    ]
    chosen = Chosen(
        hold_out=(folder / "listed.txt",),
        videos=count_of(folder) * 9 // 10,
        durations=tuple(
            Bin(start_s=a, end_s=b, share=1) for a, b in ((0, 30), (30, 60), (60, None))
        ),
    )
    report, _ = make_manifest(sources, out, load_licences(), chosen=chosen)
    print(report.to_text(), file=sys.stderr)


def count_of(folder: Path) -> int:
    """How many of the videos there may be rows of, about: a quarter of entries add none."""
    return int((folder / "entries").read_text()) * 3 // 4


def lay_out_two(folder: Path, entries: int) -> None:
    """Every tenth video of the second source is one of the first."""
    half = entries // 2
    for name in ("first", "second"):
        (folder / name).mkdir()
        with (folder / name / "all.jsonl").open("w", encoding="utf-8") as file:
            for record in records(half):
                if name == "second":
                    video = int(str(record["platform_id"]).partition(":")[2])
                    if video % 10 != 1:
                        record["platform_id"] = f"youtube:2{video:010}"
                    if video % 100 in (1, 2):
                        record["split"] = "test"
                file.write(json.dumps(record) + "\n")
    listed = (f"{number * 7:011}\n" for number in range(10_000))
    (folder / "listed.txt").write_text("".join(listed), encoding="utf-8")
    (folder / "entries").write_text(str(entries))


def measured(work: Callable[[Path, Path], None], folder: Path, out: Path) -> tuple[float, float]:
    """Seconds, and the most MiB that a process of its own held."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, folder, out))


def _measure(work: Callable[[Path, Path], None], folder: Path, out: Path) -> tuple[float, float]:
    began_s = time.perf_counter()
    work(folder, out)
    seconds = time.perf_counter() - began_s
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lay_out(folder: Path, entries: int, files: int) -> None:
    (folder / "annotations").mkdir(parents=True)
    with (folder / "annotations" / "all.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records(entries))
    for number in range(files):
        below = folder / "videos" / f"{number // 1000:06}"
        if number % 1000 == 0:
            below.mkdir(parents=True)
        if number % 10:
            (below / f"{number // 1000:06}-{number % 1000:03}.mp4").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="folder to work in; a temporary one if not given")
    parser.add_argument("--only", help="one of the ways: copy, JSON Lines, Parquet, combined")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.out) as temporary:
        folder = Path(temporary)
        lay_out(folder, arguments.entries, arguments.files)
        lay_out_two(folder, arguments.entries)
        print("| way | seconds | entries/s | MiB held at most |\n|---|---|---|---|")
        ways = {"copy": (copy, "c.jsonl"), "JSON Lines": (make, "m.jsonl"),
                "Parquet": (make, "m.parquet"), "combined": (combine, "d.jsonl")}  # fmt: skip
        for name, (work, out) in ways.items():
            if arguments.only not in (None, name):
                continue
            seconds, held = measured(work, folder, folder / out)
            rate = arguments.entries / seconds
            print(f"| {name} | {seconds:.1f} | {rate:,.0f} | {held:.0f} |", flush=True)


if __name__ == "__main__":
    main()
