"""Raw annotation files made into dialogues, without a run: row by row, nothing held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpus.export.exporter import Exporter, Shape, Tally, write_frames
from pipeline.corpus.streamo.official_converter import (
    OfficialFailure,
    official_frame_count,
    official_row,
    official_video_path,
)
from pipeline.corpus.streamo.raw import Origin, RawSample, read_raw
from pipeline.corpus.video_lookup import Videos
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.placement import Collision, Refusal
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Dialogue, Video
from pipeline.store.files.json_rows import is_single_object, read_json_rows
from pipeline.store.files.json_writer import JsonWriter

DEFAULT_QUESTION = "Say what happens in the video, each thing when it is over."

ANNOTATED = frozenset({"question", "response"})
"""A row without these keys is of another format."""


@dataclass(frozen=True)
class Reading:
    """How raw rows are read."""

    turns_per_s: float = 1.0
    origin: Origin = "auto"
    collision: Collision = "merge"
    question: str = DEFAULT_QUESTION
    """Asked at the beginning where a row asks nothing."""


@dataclass(frozen=True)
class Conversion:
    """How many rows came in, and what became of them."""

    rows: int
    tally: Tally


def convert(
    source: Path,
    target: Path,
    shape: Shape,
    reading: Reading,
    videos: Videos,
) -> Conversion:
    """Every row of ``source`` written to ``target``, nothing lost.

    ``<target>.rejects.jsonl`` names each row and each response that could not be written. Of a
    format that names images they are left beside ``target``; ``videos`` has the frames.
    """
    rejects = target.with_name(f"{target.name}.rejects.jsonl")
    rows, shown = 0, ""
    with Exporter(shape, lambda _: target, rejects) as exporter:
        exporter.open("train")
        for row in read_json_rows(source):
            rows += 1
            if row.error:
                exporter.reject(_name(row.number), "bad_row", row.error)
                continue
            for dialogue in _dialogues(row.number, row.value, reading, videos, exporter):
                written = exporter.add(dialogue)
                if written and shape.format.needs_images and dialogue.uri != shown:
                    shown = dialogue.uri
                    place = target.parent / shape.images
                    jpegs = videos.jpegs(dialogue.video_id, shown)
                    exporter.tally.images += write_frames(place, shown, jpegs)
    return Conversion(rows, exporter.tally)


def convert_officially(
    source: Path,
    target: Path,
    *,
    fps: float,
    system: str,
    video_prefix: str,
    videos: Videos,
) -> Conversion:
    """Every row of ``source`` as the official converter writes it, with all it loses.

    Rows on which the official converter stops, or which it drops, are rejects.
    """
    tally, rows = Tally(), 0
    single = is_single_object(source)
    rejects = target.with_name(f"{target.name}.rejects.jsonl")
    with JsonWriter(target, 2, single=single) as writer, JsonWriter(rejects) as refused:
        for row in read_json_rows(source):
            rows += 1
            reason, detail = "bad_row", row.error
            made = None
            try:
                if not row.error and isinstance(row.value, Mapping):
                    name = _named(row.value)
                    frames, rate = videos.official_frames(name, official_video_path(row.value), fps)
                    made = official_row(
                        row.value,
                        official_frame_count(frames, rate, fps),
                        fps=fps,
                        system=system,
                        video_prefix=video_prefix,
                    )
                    reason, detail = "dropped", "the official converter drops it: no frame"
            except DialogueError as error:
                reason, detail = error.reason, error.detail
            except OfficialFailure as error:
                reason, detail = "official_failure", str(error)
            if made is not None:
                try:
                    writer.write(made)
                except ValueError as error:
                    made, reason, detail = None, "bad_row", str(error)
            if made is None:
                tally.rejected[reason] += 1
                refused.write({"sample_id": _name(row.number), "reason": reason, "detail": detail})
                continue
            tally.dialogues += 1
            tally.written += 1
    return Conversion(rows, tally)


def _dialogues(
    number: int, row: object, reading: Reading, videos: Videos, exporter: Exporter
) -> list[Dialogue]:
    """What a raw row says, as dialogues; what it cannot say goes to the exporter's rejects."""
    name = _name(number)
    if isinstance(row, Mapping) and not ANNOTATED & row.keys():
        exporter.reject(name, "bad_row", "it has neither question nor response")
        return []
    try:
        raw = read_raw(row, number=number, origin=reading.origin, default_question=reading.question)
    except DialogueError as error:
        exporter.reject(name, error.reason, error.detail)
        return []
    for refusal in raw.refused_questions:
        exporter.note(name, f"question_{refusal.reason}", f"{refusal.rid} {refusal.detail}")
    for refusal in raw.refused:
        exporter.refuse(name, refusal.rid, refusal.reason, refusal.detail)
    refused: Sequence[Refusal] = ()
    made: list[Dialogue] = []
    if raw.annotation.responses or not raw.refused:
        try:
            made, refused = _build(raw, reading, videos)
        except DialogueError as error:
            exporter.tally.responses += len(raw.annotation.responses)
            exporter.tally.unsaid += len(raw.annotation.responses)
            exporter.reject(name, error.reason, error.detail)
            return []
    for refusal in refused:
        exporter.refuse(name, refusal.rid, refusal.reason, refusal.detail)
    if not made:
        count = len(raw.refused) + len(refused)
        exporter.reject(name, "no_valid_response", f"all {count} were refused")
    return made


def _build(
    raw: RawSample, reading: Reading, videos: Videos
) -> tuple[list[Dialogue], Sequence[Refusal]]:
    tiling = videos.tiling(raw.video_name, raw.video_path, reading.turns_per_s, raw.duration_s)
    uri = videos.uri(raw.video_name, raw.video_path)
    video = Video.model_construct(
        video_id=raw.video_name,
        uri=uri,
        clip_start_s=0.0,
        clip_end_s=None,
        source=raw.source,
        licence="",
        split="train",
        annotations=[],
        duration_s=tiling.end_s,
        width=0,
        height=0,
        rotation_deg=0,
        codec="",
        frame_rate=0.0,
        sha256="",
    )
    name = raw.annotation.annotation_id
    return build_dialogues(video, tiling, [raw.annotation], name, collision=reading.collision)


def _name(number: int) -> str:
    return f"row {number}"


def _named(row: object) -> str:
    name = row.get("video_name") if isinstance(row, Mapping) else None
    return name if isinstance(name, str) else ""
