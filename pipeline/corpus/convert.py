"""Raw annotation files converted to dialogues without a run, row by row in constant memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.corpus.export.exporter import Exporter, ExportTally, Shape, write_frames
from pipeline.corpus.streamo.official_converter import (
    OfficialFailure,
    official_frame_count,
    official_row,
    official_video_path,
)
from pipeline.corpus.streamo.origin import Origin, OriginFound, origin_of_file
from pipeline.corpus.streamo.raw import RawSample, read_raw
from pipeline.corpus.streamo.raw_fields import entries_of
from pipeline.corpus.video_lookup import VideoLookup
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.placement import Collision, Refusal
from pipeline.dialogue.tiling import DialogueError
from pipeline.media.base import StillsRequest
from pipeline.records import Dialogue
from pipeline.store.durable import sync_tree
from pipeline.store.files.json_rows import JsonRow, is_single_object, read_json_rows
from pipeline.store.files.json_writer import JsonWriter

ANNOTATED = frozenset({"question", "response"})
"""A row without either key is of another format."""


@dataclass(frozen=True)
class Reading:
    """How raw rows are read, and where their videos are looked up (see ``VideoLookup``)."""

    turns_per_s: float = 1.0
    origin: Origin = "auto"
    collision: Collision = "merge"
    durations_s: Mapping[str, float] = field(default_factory=dict)
    folder: Path | None = None
    """The folder of the videos, also put before their paths in the output."""


@dataclass(frozen=True)
class Conversion:
    """How many rows were read, and what was written."""

    rows: int
    tally: ExportTally
    times: OriginFound | None = None
    """How times were read; None where the official converter reads them, and nothing is known of
    single responses."""

    def as_json(self) -> dict[str, Any]:
        """As JSON data."""
        counts = {"rows": self.rows, **self.tally.as_json()}
        if self.times is not None:
            return {**counts, "times": self.times.as_json()}
        return {name: counts[name] for name in ("rows", "dialogues", "written", "rejected")}

    def to_text(self) -> str:
        """For people."""
        lines = self.tally.to_text().splitlines()
        rows = f"rows: {self.rows}"
        if self.times is None:
            return "\n".join([rows, lines[0]])
        return "\n".join([f"{rows}; {self.times.to_text()}", *lines])


def convert(source: Path, target: Path, shape: Shape, reading: Reading) -> Conversion:
    """Writes every row of ``source`` to ``target``; no response is lost.

    ``source`` is read twice where its rows have to say what their times mean (``origin`` is
    ``auto``).
    ``<target>.rejects.jsonl`` names each row and response that could not be written. For a format
    that names images, the frames are written into ``<target>.images``.
    """
    shape = replace(
        shape,
        video_root=str(reading.folder or ""),
        name=lambda head: head.video_id,
        key=lambda head: head.uri,
        images=f"{target.name}.images",
    )
    frames = shape.format.needs_images
    stills = StillsRequest(turns_per_s=reading.turns_per_s) if frames else None
    times = origin_of_file(source, reading.origin)
    rows, last_uri = 0, ""
    with (
        closing(VideoLookup(reading.durations_s, reading.folder, stills)) as videos,
        Exporter(shape, lambda _: target, _rejects_of(target)) as exporter,
    ):
        exporter.open("train")
        for row in read_json_rows(source):
            rows += 1
            for dialogue in _dialogues(row, reading, times, videos, exporter):
                written = exporter.add(dialogue)
                if written and frames and dialogue.uri != last_uri:
                    last_uri = dialogue.uri
                    jpegs = videos.jpegs(dialogue.video_id, last_uri)
                    images = target.parent / shape.images
                    exporter.tally.images += write_frames(images, last_uri, jpegs)
        if exporter.tally.images:
            sync_tree(target.parent / shape.images)
    return Conversion(rows, exporter.tally, times)


def convert_officially(source: Path, target: Path, system: str, reading: Reading) -> Conversion:
    """Writes every row of ``source`` as the official converter does, which loses responses.

    Rows on which the official converter stops, or which it drops, are rejects. ``origin`` and
    ``collision`` of ``reading`` have no effect.
    """
    tally, rows = ExportTally(), 0
    single = is_single_object(source)
    with (
        closing(VideoLookup(reading.durations_s, reading.folder)) as videos,
        JsonWriter(target, 2, single=single) as writer,
        JsonWriter(_rejects_of(target)) as rejects,
    ):
        for row in read_json_rows(source):
            rows += 1
            try:
                _write_official(writer, row, system, reading, videos)
            except DialogueError as error:
                tally.rejected[error.reason] += 1
                reject = {"sample_id": _name(row), "reason": error.reason, "detail": error.detail}
                rejects.write(reject)
            else:
                tally.dialogues += 1
                tally.written += 1
    return Conversion(rows, tally)


def _write_official(
    writer: JsonWriter, row: JsonRow, system: str, reading: Reading, videos: VideoLookup
) -> None:
    """Writes a row.

    Raises:
        DialogueError: ``bad_row``, ``official_failure``, ``dropped``, or see ``VideoLookup``.
    """
    if row.error or not isinstance(row.value, Mapping):
        raise DialogueError("bad_row", row.error)
    fps, prefix = reading.turns_per_s, str(reading.folder or "")
    try:
        name = row.value.get("video_name")
        path = official_video_path(row.value)
        frames, rate = videos.official_frames(name if isinstance(name, str) else "", path, fps)
        count = official_frame_count(frames, rate, fps)
        made = official_row(row.value, count, fps=fps, system=system, video_prefix=prefix)
    except OfficialFailure as error:
        raise DialogueError("official_failure", str(error)) from None
    if made is None:
        raise DialogueError("dropped", "the official converter drops it: no frame")
    try:
        writer.write(made)
    except ValueError as error:
        raise DialogueError("bad_row", str(error)) from None


def _dialogues(
    row: JsonRow, reading: Reading, times: OriginFound, videos: VideoLookup, exporter: Exporter
) -> list[Dialogue]:
    """The dialogues of a raw row; what no dialogue can hold goes to the exporter's rejects."""
    name = _name(row)
    if row.error:
        exporter.reject(name, "bad_row", row.error)
        return []
    if isinstance(row.value, Mapping) and not ANNOTATED & row.value.keys():
        exporter.reject(name, "bad_row", "it has neither question nor response")
        return []
    try:
        raw = read_raw(row.value, number=row.number, origin=times)
    except DialogueError as error:
        said = row.value.get("response") if isinstance(row.value, Mapping) else None
        exporter.reject(name, error.reason, error.detail, len(entries_of(said)))
        return []
    for refusal in raw.refused_questions:
        exporter.reject_question(name, refusal)
    for refusal in raw.untimed:
        detail = f"{refusal.detail}: asked at 0 s"
        exporter.reject_question(name, replace(refusal, detail=detail))
    exporter.reject_responses(name, raw.refused)
    refused: Sequence[Refusal] = ()
    made: list[Dialogue] = []
    if raw.annotation.responses or not raw.refused:
        try:
            made, refused = _build(raw, reading, videos)
        except DialogueError as error:
            exporter.reject(name, error.reason, error.detail, len(raw.annotation.responses))
            return []
    exporter.reject_responses(name, refused)
    if not made:
        count = len(raw.refused) + len(refused)
        exporter.reject(name, "no_valid_response", f"all {count} were refused")
    elif raw.clamped_starts:
        exporter.tally.flags["start_clamped"] += raw.clamped_starts
    return made


def _build(
    raw: RawSample, reading: Reading, videos: VideoLookup
) -> tuple[list[Dialogue], Sequence[Refusal]]:
    tiling = videos.tiling(raw.video_name, raw.video_path, reading.turns_per_s, raw.duration_s)
    video = raw.video(videos.uri(raw.video_name, raw.video_path), tiling.end_s)
    name = raw.annotation.annotation_id
    made, refused = build_dialogues(
        video, tiling, [raw.annotation], name, collision=reading.collision
    )
    return [each.model_copy(update={"models": list(raw.models)}) for each in made], refused


def _name(row: JsonRow) -> str:
    """The ``sample_id`` that the dialogue of a row has, or would have."""
    return f"raw-{row.number}"


def _rejects_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.rejects.jsonl")
