"""A corpus read back from its files, video by video."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError
from pydantic_core import from_json

from pipeline.corpus.corpus_format import check_format
from pipeline.corpus.layout import CorpusError, VideoSample
from pipeline.corpus.webdataset import VideoRow
from pipeline.records import Dialogue, FramedSegment
from pipeline.records.schema import from_table, schema_of
from pipeline.records.turns_arrow import turns_from_dicts
from pipeline.store.location import Location

_BATCH_ROWS = 256


def read_corpus(path: Path, *, frames: bool) -> Iterator[VideoSample]:
    """The samples of a corpus folder, or of one Parquet file of it; one is held at a time.

    With ``frames`` they come from the WebDataset form, a whole video each. Without, they come from
    the Parquet form, and a sample is a single dialogue.

    Raises:
        CorpusError: ``no_corpus`` (no such files), ``no_frames`` (it was written without them),
            ``newer_format``, or ``unreadable``, naming the file.
    """
    files = _parquet_files(path)
    tars = [] if path.is_file() else sorted(path.glob("wds/*/*.tar"))
    if not frames:
        for file in files:
            yield from _dialogues(file)
        return
    if not tars:
        raise CorpusError("no_frames", f"{path} holds no wds/<split>/*.tar")
    for tar in tars:
        yield from _videos(tar)


def corpus_parts(path: Path) -> list[Location]:
    """The Parquet files of a corpus folder, or the one file that the path names.

    Raises:
        CorpusError: ``no_corpus``, there are none; or ``newer_format``.
    """
    return [Location.of(file) for file in _parquet_files(path)]


def _parquet_files(path: Path) -> list[Path]:
    files = [path] if path.is_file() else sorted(path.glob("data/*/*.parquet"))
    if not files:
        raise CorpusError("no_corpus", f"{path} holds no data/<task>/<split>-*.parquet")
    check_format(path)
    return files


def _dialogues(path: Path) -> Iterator[VideoSample]:
    try:
        with pq.ParquetFile(path) as file:
            if missing := sorted(set(schema_of(Dialogue).names) - set(file.schema_arrow.names)):
                raise CorpusError("unreadable", f"{path} has no column {', '.join(missing)}")
            for batch in file.iter_batches(_BATCH_ROWS):
                for dialogue in from_table(Dialogue, pa.Table.from_batches([batch])):
                    yield VideoSample([dialogue])
    except (OSError, pa.ArrowException, ValidationError) as error:
        raise CorpusError("unreadable", f"{path}: {error}") from error


def _videos(path: Path) -> Iterator[VideoSample]:
    members: dict[str, bytes] = {}
    count = 0
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                if stream is not None:
                    members[member.name.partition(".")[2]] = stream.read()
                if {"json", "npz"} <= members.keys():
                    yield _sample(members)
                    members = {}
                    count += 1
    except (OSError, EOFError, tarfile.TarError, BadZipFile, ValueError, KeyError) as error:
        raise CorpusError("unreadable", f"{path}: {error}") from error
    if members or not count:
        raise CorpusError("unreadable", f"{path} ends too early")


def _sample(members: dict[str, bytes]) -> VideoSample:
    row = _row(members["json"])
    with np.load(io.BytesIO(members["npz"]), allow_pickle=False) as arrays:
        jpeg, offset = arrays["jpeg"].tobytes(), arrays["offset"].tolist()
    step_s = 1.0 / row.turns_per_s
    last = len(row.frame_s) - 1
    frames = [
        FramedSegment(
            video_id=row.video_id,
            index=i,
            start_s=i * step_s,
            end_s=row.duration_s if i == last else (i + 1) * step_s,
            frame_s=frame_s,
            turns_per_s=row.turns_per_s,
            jpeg=jpeg[offset[i] : offset[i + 1]],
        )
        for i, frame_s in enumerate(row.frame_s)
    ]
    return VideoSample(row.dialogues, frames)


def _row(text: bytes) -> VideoRow:
    """The JSON member of a sample; no record is made of a turn.

    Raises:
        ValueError: it is none.
    """
    fields = from_json(text, cache_strings="keys")
    dialogues = fields.get("dialogues") if isinstance(fields, dict) else None
    if isinstance(dialogues, list) and all(isinstance(each, dict) for each in dialogues):
        column = schema_of(Dialogue).field("turns").type
        turns = turns_from_dicts([each.get("turns") for each in dialogues], column.value_type)
        if turns is not None:
            held = zip(dialogues, turns, strict=True)
            fields["dialogues"] = [{**each, "turns": own} for each, own in held]
    return VideoRow.model_validate(fields)
