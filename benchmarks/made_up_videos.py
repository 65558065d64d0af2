"""A manifest of videos that ``benchmarks/stand_in`` reads, as many and as long as the paper's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stand_in.script import drawn
from benchmarks.tokens import VIDEOS
from pipeline.records import ManifestRow, SourceAnnotation

ALL = sum(VIDEOS.values())
DAMAGED = 0.005
"""Of the files, those that are no videos."""
ASKED = 0.475
"""Of the videos, those of which a dataset has a question."""
IN_A_FOLDER = 1_000


def lengths(videos: int) -> Iterator[int]:
    """Of each video in seconds: of every beginning, each length has its share to within a video."""
    given = dict.fromkeys(VIDEOS, 0)
    for number in range(1, videos + 1):
        due = max(VIDEOS, key=lambda seconds: VIDEOS[seconds] * number / ALL - given[seconds])
        given[due] += 1
        yield due


def lay_out(folder: Path, videos: int) -> Path:
    """The files of so many videos, and the manifest that lists them."""
    manifest = folder / "manifest.jsonl"
    folder.mkdir(parents=True)
    with manifest.open("w", encoding="utf-8") as rows:
        for number, seconds in enumerate(lengths(videos)):
            name = f"videos/{number // IN_A_FOLDER:04}/{number:06}.mp4"
            is_damaged = drawn(number, "damaged") < DAMAGED
            said = "no video" if is_damaged else json.dumps({"number": number, "seconds": seconds})
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(said, encoding="utf-8")
            row = ManifestRow(
                video_id=f"made-up/{number:06}",
                uri=name,
                source="made-up",
                licence="CC-BY-4.0",
                annotations=[question(number)] if drawn(number, "asked") < ASKED else [],
            )
            rows.write(row.model_dump_json(exclude_defaults=True) + "\n")
    return manifest


def question(number: int) -> SourceAnnotation:
    """One of a dataset."""
    return SourceAnnotation(
        kind="qa", question=f"What is hall {number} for?", text="To store boxes.", origin="human"
    )
