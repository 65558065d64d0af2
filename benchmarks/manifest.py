"""How fast a dataset becomes a manifest, and how much memory that takes.

    python benchmarks/manifest.py [--entries N] [--files N] [--only WAY] [--json FILE]

Generates an annotation file of N entries (default 1,000,000), each with a caption and a question,
and N empty video files in folders of a thousand; one entry in four is the second of its video, one
file in ten is missing. Makes the manifest in a process of its own, as JSON Lines and as Parquet,
and reports the rate by CPU time, that by the clock, and the peak memory of the process. `copy`
reads the same file record by record and writes it again: the cost of reading and writing alone.

`koala` makes the manifest of a table of the shape of Koala-36M's: N clips, ten of a video, each
with times and a caption of 200 words; the videos are there whole, one in ten is missing.
`koala copy` reads that table and writes its cells as JSON Lines.

`combined` makes one manifest of two sources with N entries in all: one video in ten is in both by
its platform id, one in a hundred of the second source is of its test split, a list holds out 10,000
ids, nine rows in ten are wanted, and they are in three bins of lengths.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data_manifest.koala36m import ADAPTER as KOALA
from pipeline.execution.collector import collect_seldom
from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.adapters.layouts import json_list, table
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest
from pipeline.manifest.reconcile.combination import Bin, Chosen
from pipeline.store.files.json_writer import JsonWriter

KOALA_FILE = "Koala_36M_1.csv"
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
    make_of(Source("made_up", MADE_UP, folder / "annotations", [folder / "videos"]), out)


def make_of(source: Source, out: Path) -> None:
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


def copy_koala(folder: Path, out: Path) -> None:
    with JsonWriter(out) as writer:
        for _, row in table(folder / "koala" / KOALA_FILE):
            writer.write(row)


def make_koala(folder: Path, out: Path) -> None:
    make_of(Source("koala36m", KOALA, folder / "koala", [folder / "koala_videos"]), out)


def lay_out_koala(folder: Path, clips: int) -> None:
    """Ten clips of a video, whose id has the 11 characters that those of YouTube have."""
    (folder / "koala").mkdir()
    (folder / "koala_videos").mkdir()
    header = ("videoID", "url", "timestamp", "caption", "clarity_score", "aesthetic_score",
              "motion_score", "video_training_suitability_score")  # fmt: skip
    caption = f"{WORDS}, " * 11
    with (folder / "koala" / KOALA_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(clips):
            video = f"v_{number // 10 * 7919 % 1_000_000_007:09}"
            if number % 10 == 0 and number % 100:
                (folder / "koala_videos" / f"{video}.mp4").touch()
            times = f"['0:00:{number % 10 * 5:02}.500', '0:00:{number % 10 * 5 + 4:02}.250']"
            url = f"https://www.youtube.com/watch?v={video}"
            scores = ("0.97", "4.51", "3.25", "2.125")
            writer.writerow((f"{video}_{number % 10}", url, times, f"{caption}{number}", *scores))


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


def measured(work: Callable[[Path, Path], None], folder: Path, out: Path) -> Sequence[float]:
    """Seconds of CPU and by the clock, and the most MiB that a process of its own held."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, folder, out))


def _measure(work: Callable[[Path, Path], None], folder: Path, out: Path) -> Sequence[float]:
    collect_seldom()  # as the command does
    began_s, cpu_s = time.perf_counter(), time.process_time()
    work(folder, out)
    seconds = time.process_time() - cpu_s, time.perf_counter() - began_s
    return *seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
    parser.add_argument("--only", action="append", choices=WAYS, help="may be given again")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.out) as temporary:
        folder = Path(temporary)
        wanted = arguments.only or list(WAYS)
        if set(wanted) - {"koala copy", "koala"}:
            lay_out(folder, arguments.entries, arguments.files)
        if "combined" in wanted:
            lay_out_two(folder, arguments.entries)
        if {"koala copy", "koala"} & set(wanted):
            lay_out_koala(folder, arguments.entries)
        print("| way | CPU s | entries/s of a CPU | seconds | MiB held at most |")
        print("|---|---|---|---|---|")
        found: dict[str, dict[str, float]] = {}
        for name in wanted:
            work, out = WAYS[name]
            cpu_s, seconds, held = measured(work, folder, folder / out)
            rate = arguments.entries / cpu_s
            print(
                f"| {name} | {cpu_s:.1f} | {rate:,.0f} | {seconds:.1f} | {held:.0f} |", flush=True
            )
            found[name] = {"cpu_s": cpu_s, "seconds": seconds, "mib": held}
    if arguments.json:
        whole = {"entries": arguments.entries, "files": arguments.files, "ways": found}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


WAYS: Mapping[str, tuple[Callable[[Path, Path], None], str]] = {
    "copy": (copy, "c.jsonl"),
    "JSON Lines": (make, "m.jsonl"),
    "Parquet": (make, "m.parquet"),
    "combined": (combine, "d.jsonl"),
    "koala copy": (copy_koala, "kc.jsonl"),
    "koala": (make_koala, "k.jsonl"),
}


if __name__ == "__main__":
    main()
