"""Settings, files and samples of a corpus, and the checks of a sample.

    README.md, counts.json                        of all groups
    data/<task>/<split>-<group>-<file>.parquet    a row a dialogue
    messages/<split>-<group>-<file>.parquet       a row a dialogue, as trainers load it
    frames/<split>-<group>-<file>.parquet         a row a turn, with its picture
    wds/<split>/<group>-<file>.tar                a sample a turn
    preview/<split>-00000-<file>.parquet          some dialogues to look at
    traces/<split>-00000-<file>.parquet           some dialogues as conversations

In a release of several families of licences ``_<family>`` stands before the last dot of each.

A group is so many consecutive shards of the manifest, and each writes its own files. Both numbers
count from 0. There is no ``-of-N``: every name would change when the corpus grows, so that each
release renames all of it. Nothing needs it: the card lists the files of each config by pattern, and
``datasets`` and the Hub's viewer take them by name, which is the order of the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from pipeline.errors import CommandError, ReasonedError
from pipeline.records import Dialogue, FramedSegment
from pipeline.settings import LanguageCode, Settings

CORPUS_FORMAT: Final = 2
"""Of the files: it is raised when a reader of before would misread or miss some. 1 had names with
``-of-N``, a sample a video in its tars, and no number in ``counts.json``."""
NEWEST_FORMAT: Final = 3
"""Of those that are read: 3 is what ``publish`` makes of 2 where licences are of several families,
whose names a reader of 2 would pass over."""

DATA, MESSAGES, FRAMES, TARS = "data", "messages", "frames", "wds"
PREVIEW, TRACES, ALL = "preview", "traces", "all"
CONFIGS: Final = frozenset({ALL, MESSAGES, FRAMES, PREVIEW, TRACES})
"""Names of configs in the card that no task may have."""

_NAME = re.compile(r"[A-Za-z0-9_]+")


class CorpusError(ReasonedError, CommandError):
    """No corpus can be made or read. ``reason`` is a short constant."""


class CardSettings(Settings):
    """What the card says that no row does."""

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


class FileSettings(Settings):
    """How a corpus is cut into files."""

    shards_per_group: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="shards of the manifest that one task writes into files of their own: fewer"
        " spread over more workers, more make fewer and larger files. Another value makes every"
        " file anew",
    )
    parquet_bytes: int = Field(
        500_000_000,
        ge=1,
        description="a Parquet file ends with the row group with which it has so many bytes",
    )
    tar_bytes: int = Field(
        1_000_000_000,
        ge=1,
        description="most bytes of a tar with several videos; a video is never split",
    )
    frames: bool = Field(True, description="write the frames too, as Parquet")
    tars: bool = Field(True, description="where frames are written, write them as WebDataset too")


class CorpusSettings(CardSettings, FileSettings):
    """How a corpus is called and cut into files."""


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
            stand in a path, or a task that is called like another config), ``miscounted``, or
            ``frames_differ``.
    """
    if not sample.dialogues:
        raise CorpusError("no_dialogues", "a sample needs at least one")
    if len({_video(dialogue) for dialogue in sample.dialogues}) > 1:
        raise CorpusError("mixed_videos", f"{sorted({_video(d) for d in sample.dialogues})}")
    for dialogue in sample.dialogues:
        for name in (dialogue.task, dialogue.split):
            if not _NAME.fullmatch(name) or dialogue.task in CONFIGS:
                raise CorpusError("bad_name", f"{name!r} in {dialogue.sample_id!r}")
        counts = list(dialogue.turns[dialogue.context_turns :].counts().values())
        if counts != [dialogue.n_silence, dialogue.n_standby, dialogue.n_response]:
            raise CorpusError("miscounted", f"{dialogue.sample_id!r} has {counts}")
        if frames:
            _check_frames(dialogue, sample.frames)


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
