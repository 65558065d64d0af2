"""The WebDataset form: ``wds/<split>/000000.tar``, one sample a video.

``<key>.json`` holds the video and all its dialogues, ``<key>.npz`` every frame once: ``jpeg`` is
the files one after the other (uint8), file ``i`` lies in ``[offset[i], offset[i + 1])`` (int64),
and ``frame_s[i]`` is its presentation time. Turn ``index`` shows frame ``index``. Same samples,
same bytes: owner and time of every member are fixed.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO

import numpy as np
from webdataset.writer import TarWriter

from pipeline.corpus.layout import VideoSample, describe
from pipeline.records import Dialogue, Record, Seconds, ShardFile

_BLOCK_BYTES = 512
_RECORD_BYTES = 10_240


class VideoRow(Record):
    """The JSON member of a sample."""

    video_id: str
    source: str
    licence: str
    split: str
    duration_s: Seconds
    turns_per_s: float
    frame_s: list[Seconds]
    dialogues: list[Dialogue]


def sample_key(video_id: str) -> str:
    """The name of a video in a tar: the first 32 hex digits of the SHA-256 of its id."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:32]


class TarFiles:
    """One open tar for every split that has come up."""

    def __init__(self, folder: Path, tar_bytes: int) -> None:
        """``folder`` is that of the corpus; a tar of more than one sample is at most so large."""
        self._folder = folder
        self._tar_bytes = tar_bytes
        self._splits: dict[str, _Series] = {}

    def add(self, sample: VideoSample) -> None:
        """Puts one video behind the others of its split."""
        if sample.split not in self._splits:
            self._splits[sample.split] = _Series(self._folder, sample.split, self._tar_bytes)
        self._splits[sample.split].add(sample)

    def finish(self) -> list[ShardFile]:
        """The files, ordered by path."""
        return [file for split in sorted(self._splits) for file in self._splits[split].finish()]

    def __enter__(self) -> TarFiles:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves no file open."""
        for series in self._splits.values():
            series.close()


class _Series:
    """The tars of one split."""

    def __init__(self, folder: Path, split: str, tar_bytes: int) -> None:
        self._folder = folder
        self._split = split
        self._tar_bytes = tar_bytes
        self._open: tuple[IO[bytes], TarWriter] | None = None
        self._filled_bytes = 0
        self._rows: list[int] = []

    def add(self, sample: VideoSample) -> None:
        members = {"json": _row_json(sample), "npz": _frames_npz(sample)}
        size_bytes = sum(_BLOCK_BYTES + _padded(len(m), _BLOCK_BYTES) for m in members.values())
        end_bytes = _padded(self._filled_bytes + size_bytes + 2 * _BLOCK_BYTES, _RECORD_BYTES)
        if self._open is not None and end_bytes > self._tar_bytes:
            self.close()
        if self._open is None:
            self._start()
        assert self._open is not None
        self._open[1].write({"__key__": sample_key(sample.video_id), **members})
        self._filled_bytes += size_bytes
        self._rows[-1] += 1

    def finish(self) -> list[ShardFile]:
        self.close()
        return [
            describe(self._folder, self._path(number), rows, split=self._split)
            for number, rows in enumerate(self._rows)
        ]

    def close(self) -> None:
        if self._open is not None:
            stream, writer = self._open
            writer.close()
            stream.close()
            self._open = None

    def _start(self) -> None:
        path = self._folder / self._path(len(self._rows))
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("wb")
        writer = TarWriter(stream, user="", group="", mode=0o644, mtime=0, encoder=False)
        self._open = (stream, writer)
        self._filled_bytes = 0
        self._rows.append(0)

    def _path(self, number: int) -> str:
        return f"wds/{self._split}/{number:06d}.tar"


def _row_json(sample: VideoSample) -> bytes:
    first = sample.dialogues[0]
    row = VideoRow(
        video_id=first.video_id,
        source=first.source,
        licence=first.licence,
        split=first.split,
        duration_s=first.duration_s,
        turns_per_s=first.turns_per_s,
        frame_s=[frame.frame_s for frame in sample.frames],
        dialogues=list(sample.dialogues),
    )
    return row.model_dump_json().encode()


def _frames_npz(sample: VideoSample) -> bytes:
    sizes = [len(frame.jpeg) for frame in sample.frames]
    stream = io.BytesIO()
    np.savez(
        stream,
        jpeg=np.frombuffer(b"".join(frame.jpeg for frame in sample.frames), np.uint8),
        offset=np.concatenate([[0], np.cumsum(sizes, dtype="<i8")]).astype("<i8"),
        frame_s=np.array([frame.frame_s for frame in sample.frames], "<f8"),
    )
    return stream.getvalue()


def _padded(size_bytes: int, to_bytes: int) -> int:
    return -(-size_bytes // to_bytes) * to_bytes
