"""A corpus read back from its files, video by video."""

from __future__ import annotations

import hashlib
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipeline.corpus.corpus_format import check_format
from pipeline.corpus.layout import DATA, MESSAGES, TARS, CorpusError, VideoSample
from pipeline.corpus.names import PARQUET, TAR
from pipeline.corpus.webdataset import TurnRow
from pipeline.records import Dialogue, DialogueHead, FramedSegment
from pipeline.records.schema import from_table, schema_of, to_table
from pipeline.store.listing import paths_of
from pipeline.store.location import Location

_BATCH_ROWS = 256


def read_corpus(path: Path, *, frames: bool) -> Iterator[VideoSample]:
    """The samples of a corpus folder, or of one Parquet file of it; one is held at a time.

    With ``frames`` a sample is a whole video, its frames from the WebDataset form. Without, it is a
    single dialogue.

    Raises:
        CorpusError: ``no_corpus`` (no such files), ``no_frames`` (it was written without tars),
            ``newer_format``, or ``unreadable``, naming the file.
    """
    files = _parquet_files(path)
    tars = listed(path, f"{TARS}/*/*.tar")
    if not frames:
        for file in files:
            for dialogue in _dialogues(file):
                yield VideoSample([dialogue])
        return
    if not tars:
        raise CorpusError("no_frames", f"{path} holds no {TARS}/<split>/*.tar")
    for series in sorted({_series(tar) for tar in tars}):
        yield from _videos(path, *series)


def read_heads(path: Path) -> Iterator[DialogueHead]:
    """The heads of all samples of a corpus folder, or of one Parquet file of it.

    Raises:
        CorpusError: ``no_corpus``, ``newer_format``, or ``unreadable``.
    """
    names = schema_of(DialogueHead).names
    for file in _parquet_files(path):
        with _readable(file), pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(_BATCH_ROWS, columns=names):
                yield from from_table(DialogueHead, pa.Table.from_batches([batch]))


def read_groups(path: Path) -> Iterator[tuple[int, Iterator[VideoSample]]]:
    """The groups of a corpus folder by number, each with its videos without their frames.

    The dialogues of one group are held at a time. A video has all of them, in the order in which
    ``messages`` has them, and so have the videos; what is not in there comes behind.

    Raises:
        CorpusError: ``no_corpus``, ``newer_format``, or ``unreadable``.
    """
    by_group: dict[int, list[Path]] = defaultdict(list)
    for file in _parquet_files(path):
        named = PARQUET.fullmatch(file.name)
        if named is None:
            raise CorpusError("unreadable", f"{file} is no file of this form")
        by_group[int(named["group"])].append(file)
    for group, files in sorted(by_group.items()):
        yield group, _ordered(path, group, files)


def _ordered(path: Path, group: int, files: Sequence[Path]) -> Iterator[VideoSample]:
    dialogues = {each.sample_id: each for file in files for each in _dialogues(file)}
    chats = listed(path, f"{MESSAGES}/*-{group:05d}-*.parquet")
    order = dict.fromkeys(
        name
        for chat in chats
        for name in pq.read_table(chat, columns=["sample_id"]).column(0).to_pylist()
    )
    videos: dict[str, list[Dialogue]] = {}
    for name in dict.fromkeys([*order, *dialogues]):
        if name in dialogues:
            videos.setdefault(dialogues[name].video_id, []).append(dialogues[name])
    for own in videos.values():
        yield VideoSample(own)


def corpus_parts(path: Path) -> list[Location]:
    """The Parquet files of a corpus folder, or the one file that the path names.

    Raises:
        CorpusError: ``no_corpus``, there are none; or ``newer_format``.
    """
    return [Location.of(file) for file in _parquet_files(path)]


def dialogue_files(path: Path) -> dict[str, Path]:
    """The Parquet files of a corpus folder by path in it, or the one file that the path names.

    Raises:
        CorpusError: as ``corpus_parts``.
    """
    folder = path.parent if path.is_file() else path
    return {file.relative_to(folder).as_posix(): file for file in _parquet_files(path)}


def dialogue_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of such a file, in exactly the columns that a ``Dialogue`` has.

    Raises:
        CorpusError: ``unreadable``.
    """
    schema = schema_of(Dialogue)
    with _readable(path):
        for batch in _batches(path):
            own = batch.select([name for name in schema.names if name in batch.schema.names])
            if own.schema.remove_metadata() != schema:  # of another version, or by another hand
                rows = from_table(Dialogue, pa.Table.from_batches([own]))
                (own,) = to_table(Dialogue, rows).to_batches()
            yield own


def listed(path: Path, pattern: str) -> list[Path]:
    """The paths below a corpus folder that a pattern names (``paths_of``).

    Raises:
        CorpusError: ``unreadable``, a folder cannot be listed.
    """
    with _readable(path):
        return paths_of(path, pattern)


def _parquet_files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else listed(path, f"{DATA}/*/*.parquet")
    if not files:
        raise CorpusError("no_corpus", f"{path} holds no {DATA}/<task>/<split>-*.parquet")
    check_format(path)
    return files


def _dialogues(path: Path) -> Iterator[Dialogue]:
    with _readable(path):
        for batch in _batches(path):
            yield from from_table(Dialogue, pa.Table.from_batches([batch]))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        needed = {name for name, field in Dialogue.model_fields.items() if field.is_required()}
        if missing := sorted(needed - set(file.schema_arrow.names)):
            raise CorpusError("unreadable", f"{path} has no column {', '.join(missing)}")
        yield from file.iter_batches(_BATCH_ROWS)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Says of what the block could not read that it is no file, or folder, of dialogues.

    Raises:
        CorpusError: ``unreadable``.
    """
    try:
        yield
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise CorpusError("unreadable", f"{path}: {error}") from error


def _series(tar: Path) -> tuple[str, str, str]:
    """Split, group, and what the names of a family of licences end with."""
    named = TAR.fullmatch(tar.name)
    if named is None:
        raise CorpusError("unreadable", f"{tar} is no tar of this form: write the corpus again")
    return tar.parent.name, named["group"], f"_{named['family']}" if named["family"] else ""


def _videos(path: Path, split: str, group: str, ending: str) -> Iterator[VideoSample]:
    """The videos of a group, whose files of frames and of all tasks have the same order."""
    by_task: dict[str, list[Path]] = defaultdict(list)
    for file in listed(path, f"{DATA}/*/{split}-{group}-*{ending}.parquet"):
        by_task[file.parent.name].append(file)
    tasks = [_ByVideo(files) for files in by_task.values()]
    for tar in listed(path, f"{TARS}/{split}/{group}-*{ending}.tar"):
        for video_id, found in groupby(_turns(tar), key=lambda each: each[0].video_id):
            turns = list(found)
            dialogues = {d.sample_id: d for each in tasks for d in each.take(video_id)}
            order = dict.fromkeys(shown.sample_id for row, _ in turns for shown in row.dialogues)
            if not dialogues or not dialogues.keys() >= order.keys():
                detail = f"{tar} and {DATA} differ in the dialogues of {video_id!r}"
                raise CorpusError("unreadable", detail)
            yield VideoSample(
                [dialogues[name] for name in dict.fromkeys([*order, *dialogues])],
                [_frame(row, jpeg) for row, jpeg in turns],
            )
    if left := [each for each in tasks if each.left]:
        raise CorpusError("unreadable", f"{left[0].name} holds videos that no tar of it has")


class _ByVideo:
    """The dialogues of one task, of one video after the other."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.name = files[0]
        rows = (dialogue for file in files for dialogue in _dialogues(file))
        self._videos = groupby(rows, key=lambda dialogue: dialogue.video_id)
        self._next = self._take()

    def take(self, video_id: str) -> list[Dialogue]:
        """Those of the video, where it is the next one."""
        if self._next is None or self._next[0] != video_id:
            return []
        found = self._next[1]
        self._next = self._take()
        return found

    @property
    def left(self) -> bool:
        """Whether there are any more."""
        return self._next is not None

    def _take(self) -> tuple[str, list[Dialogue]] | None:
        video_id, rows = next(self._videos, (None, ()))
        return None if video_id is None else (video_id, list(rows))


def _turns(path: Path) -> Iterator[tuple[TurnRow, bytes]]:
    """The samples of a tar."""
    members: dict[str, bytes] = {}
    count = 0
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    members[member.name.rpartition(".")[2]] = stream.read()
                if {"json", "jpg"} <= members.keys():
                    row = TurnRow.model_validate_json(members["json"])
                    if hashlib.sha256(members["jpg"]).hexdigest() != row.sha256:
                        raise ValueError(f"{member.name} is with another frame than it names")
                    yield row, members["jpg"]
                    members = {}
                    count += 1
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise CorpusError("unreadable", f"{path}: {error}") from error
    if members or not count:
        raise CorpusError("unreadable", f"{path} ends too early")


def _frame(row: TurnRow, jpeg: bytes) -> FramedSegment:
    return FramedSegment(
        video_id=row.video_id,
        index=row.index,
        start_s=row.start_s,
        end_s=row.end_s,
        frame_s=row.frame_s,
        turns_per_s=row.turns_per_s,
        jpeg=jpeg,
    )
