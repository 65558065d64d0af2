"""Reads the frames of videos again, several videos at once, as a corpus had them stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pipeline.corpus.layout import VideoSample
from pipeline.dialogue.tiling import frames_digest
from pipeline.media.base import Clip, MediaError
from pipeline.media.decode import DecodeProcess
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.member import member_of
from pipeline.records import Dialogue, FramedSegment, Record, Reject, Video
from pipeline.workflow.stage import Context, Stage, StageConfig

R = TypeVar("R", bound=Record)


class Refused(NamedTuple):
    """Why a video has no frames."""

    reason: str
    detail: str


class Read(NamedTuple):
    """The frames of a video, in order of turns."""

    frames: Sequence[FramedSegment]
    same: bool
    """They are those that were annotated, byte for byte."""
    same_file: bool
    """The file is the one that was annotated, or all those of a stream are; they are looked at
    where the frames are others."""


@dataclass(frozen=True)
class _OneVideo:
    """What the stage reads: a ``VideoRows``."""

    video: Video

    @property
    def video_id(self) -> str:
        return self.video.video_id

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        return {Video: [self.video]}[kind]  # type: ignore[index,return-value]


class FrameReaders:
    """Several decoders that read at once; they end with the context."""

    def __init__(self, videos: Path, stage: Stage[Any], config: StageConfig, workers: int) -> None:
        """``videos`` is a folder; ``stage`` cuts a video into turns, as ``config`` says."""
        self._videos, self._stage, self._config = videos, stage, config
        self._workers = workers
        self._stack = ExitStack()
        self._free: SimpleQueue[DecodeProcess] = SimpleQueue()

    def __enter__(self) -> FrameReaders:
        """Itself. A decoder starts with its first video."""
        for _ in range(self._workers):
            self._free.put(self._stack.enter_context(DecodeProcess(self._videos)))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(self._workers))
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the decoders."""
        self._stack.close()

    def read(self, samples: Iterable[VideoSample]) -> Iterator[tuple[VideoSample, Read | Refused]]:
        """Each sample with the frames of its video, in order. As many are held as read at once."""
        waiting = iter(samples)
        while together := list(islice(waiting, self._workers)):
            yield from zip(together, self._pool.map(self._read, together), strict=True)

    def _read(self, sample: VideoSample) -> Read | Refused:
        head = sample.dialogues[0]
        there = []
        for file in head.clips or [head]:
            uri = found_below(self._videos, file.uri, file.video_id)
            if uri is None:
                return Refused("missing_file", f"neither {file.uri!r} nor its name or id is there")
            there.append((file, uri))
        media = self._free.get()
        try:
            of_video = _OneVideo(_video(head, [uri for _, uri in there]))
            rows = list(self._stage.run([of_video], self._config, Context(media=media)))
            for row in rows:
                if isinstance(row, Reject):
                    return Refused(row.reason, row.detail)
            frames = [row for row in rows if isinstance(row, FramedSegment)]
            digest = frames_digest([frame.jpeg_sha256 for frame in frames])
            if digest == head.frames_sha256:
                return Read(frames, same=True, same_file=True)
            same_file = all(
                media.probe(Clip(uri, file.clip_start_s, file.clip_end_s)).sha256 == file.sha256
                for file, uri in there
            )
            return Read(frames, same=False, same_file=same_file)
        except MediaError as error:
            return Refused(error.reason, error.detail)
        finally:
            self._free.put(media)


def found_below(videos: Path, uri: str, video_id: str) -> str | None:
    """The path of a video below a folder, also as a member of a container; None where it is not.

    The longest end of the path of ``uri`` that is there, else ``video_id`` with the suffix of a
    video.
    """
    member = member_of(uri)
    place = uri if member is None else member.container
    path = urlsplit(place).path if "://" in place else place
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in "/.."]
    ends = ["/".join(parts[at:]) for at in range(len(parts))]
    if member is None:
        ends += [f"{video_id}{suffix}" for suffix in VIDEO_SUFFIXES]
    root = videos.resolve()
    for end in ends:
        file = (root / end).resolve()
        if file.is_relative_to(root) and file.is_file():
            return end if member is None else f"{end}#{member.name}"
    return None


def _video(head: Dialogue, uris: Sequence[str]) -> Video:
    """As much of the row as a dialogue knows, and the decoder needs."""
    shared = Video.model_fields.keys() & Dialogue.model_fields.keys()
    known = {name: getattr(head, name) for name in shared}
    if head.clips:
        pairs = zip(head.clips, uris, strict=True)
        known["clips"] = tuple(clip.model_copy(update={"uri": uri}) for clip, uri in pairs)
    else:
        known["uri"] = uris[0]
    return Video(**known, rotation_deg=0, codec="", frame_rate=0.0)
