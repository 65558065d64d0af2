"""Settings and samples of a corpus, and the checks of a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from pipeline.errors import ReasonedError
from pipeline.records import Dialogue, FramedSegment, ShardFile
from pipeline.settings import LanguageCode, Settings
from pipeline.store.location import Location

_NAME = re.compile(r"[A-Za-z0-9_]+")


class CorpusError(ReasonedError):
    """No corpus can be made or read. ``reason`` is a short constant."""


class CorpusSettings(Settings):
    """How a corpus is called and cut into files."""

    title: str = Field("Streaming-video dialogues", description="headline of the card")
    licence: str = Field(
        "other",
        description="licence of the annotations, as the HF Hub spells it; videos have their own",
    )
    authors: str = Field("", description="of the corpus, as BibTeX has them, for the citation")
    year: int | None = Field(
        None, ge=1900, le=9999, description="of its publication, for the citation"
    )
    language: LanguageCode | None = Field(
        None, description="language of questions and answers, as a code; null for the run's"
    )
    rows_per_file: int = Field(50_000, ge=1, description="most dialogues in one Parquet file")
    tar_bytes: int = Field(
        1_000_000_000,
        ge=1,
        description="most bytes of a tar with several videos; a video is never split",
    )
    frames: bool = Field(True, description="write the WebDataset form, with the frames")


@dataclass(frozen=True)
class VideoSample:
    """One video with all its dialogues, and its frames in order of turns where they are wanted."""

    dialogues: Sequence[Dialogue]
    frames: Sequence[FramedSegment] = ()

    @property
    def video_id(self) -> str:
        """Of every dialogue in it."""
        return self.dialogues[0].video_id

    @property
    def split(self) -> str:
        """Of every dialogue in it."""
        return self.dialogues[0].split


def check_sample(sample: VideoSample, *, frames: bool) -> None:
    """Checks that dialogues are of one video, with correct counts and, if wanted, their frames.

    Raises:
        CorpusError: ``no_dialogues``, ``mixed_videos``, ``bad_name`` (a task or split that cannot
            stand in a path), ``miscounted``, or ``frames_differ``.
    """
    if not sample.dialogues:
        raise CorpusError("no_dialogues", "a sample needs at least one")
    if len({_video(dialogue) for dialogue in sample.dialogues}) > 1:
        raise CorpusError("mixed_videos", f"{sorted({_video(d) for d in sample.dialogues})}")
    for dialogue in sample.dialogues:
        for name in (dialogue.task, dialogue.split):
            if not _NAME.fullmatch(name):
                raise CorpusError("bad_name", f"{name!r} in {dialogue.sample_id!r}")
        counts = list(dialogue.turns[dialogue.context_turns :].counts().values())
        if counts != [dialogue.n_silence, dialogue.n_standby, dialogue.n_response]:
            raise CorpusError("miscounted", f"{dialogue.sample_id!r} has {counts}")
        if frames:
            _check_frames(dialogue, sample.frames)


def describe(folder: Path, path: str, rows: int, task: str = "", split: str = "") -> ShardFile:
    """The row about the file ``folder / path``, which is read once for its digest."""
    file = Location.of(folder / path)
    return ShardFile(
        path=path,
        sha256=file.sha256(),
        size_bytes=file.size_bytes(),
        rows=rows,
        task=task,
        split=split,
    )


def _video(dialogue: Dialogue) -> tuple[str, str, str, str, float, float]:
    return (
        dialogue.video_id,
        dialogue.source,
        dialogue.licence,
        dialogue.split,
        dialogue.duration_s,
        dialogue.turns_per_s,
    )


def _check_frames(dialogue: Dialogue, frames: Sequence[FramedSegment]) -> None:
    for index, frame_s in enumerate(dialogue.turns.frames, dialogue.turns.first):
        if index >= len(frames):
            detail = f"{dialogue.sample_id!r} has turn {index} and {len(frames)} frames"
            raise CorpusError("frames_differ", detail)
        frame = frames[index]
        if frame.video_id != dialogue.video_id or frame.frame_s != frame_s:
            detail = f"turn {index} of {dialogue.sample_id!r} shows another frame"
            raise CorpusError("frames_differ", detail)
