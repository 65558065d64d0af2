"""Files of one family of licences each, for a release that has several.

Who may use one family alone can load it, and download no other file. A video has one licence, so
all that is about it goes to one family. Rows keep their order; a file whose rows are all of one
family only gets another name.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.card import CARD
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.forms import FRAME_FORM, preview_form
from pipeline.corpus.hub.licences import Licences
from pipeline.corpus.hub.prepare import with_families
from pipeline.corpus.layout import (
    DATA,
    FRAMES,
    MESSAGES,
    NEWEST_FORMAT,
    PREVIEW,
    TARS,
    TRACES,
    CorpusError,
)
from pipeline.corpus.names import sample_key, with_family
from pipeline.corpus.parquet import Form, open_parquet

_FAMILY = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_MOST_CHARS = 40
_VIDEO: Final = "video_id"
_FORMS: Final[Mapping[str, Form[Any]]] = {FRAMES: FRAME_FORM, PREVIEW: preview_form(frames=True)}
"""Those that are not stored as others are."""


def by_family(leaving: Mapping[str, Path], licences: Licences, copies: Path) -> dict[str, Path]:
    """The files that leave by path in the repository, each with rows of one family alone.

    ``copies`` gets the files that are not those of ``leaving``. The card lists the configs.

    Raises:
        CorpusError: ``unreadable``: a file cannot be read, or holds a video that no dialogue has.
    """
    data = [path for name, path in leaving.items() if name.startswith(f"{DATA}/")]
    families = _Families.read(data, licences)
    found: dict[str, Path] = {}
    for name, path in leaving.items():
        place = name.partition("/")[0]
        try:
            if place == TARS:
                found |= _tars(name, path, families, copies)
            elif place in (DATA, MESSAGES, FRAMES, PREVIEW, TRACES):
                found |= _parquet_files(name, path, families, copies)
            else:
                found[name] = path
        except (OSError, EOFError, KeyError, tarfile.TarError, pa.ArrowException) as error:
            raise CorpusError("unreadable", f"{name}: {error}") from error
    for name, text in _texts(leaving, found, families).items():
        found[name] = copies / name
        found[name].write_text(text, encoding="utf-8", newline="\n")
    return found


def name_of_family(family: str) -> str:
    """What a family is called in names of files and configs; a licence that no entry of the list
    knows is a family of its own, and its text is shortened."""
    if _FAMILY.fullmatch(family) and len(family) <= _MOST_CHARS:
        return family
    words = re.sub(r"[^a-z0-9]+", "-", family.lower())[:_MOST_CHARS].strip("-")
    return f"{words or 'licence'}-{hashlib.sha256(family.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class _Families:
    """What is of which family, by its name in files."""

    of_video: Mapping[str, str]
    of_key: Mapping[str, str]
    """By ``sample_key`` of a video."""
    called: Mapping[str, tuple[str, int]]
    """Of each family its own name, and how many dialogues it has."""

    @classmethod
    def read(cls, files: Sequence[Path], licences: Licences) -> _Families:
        """From the rows of all dialogues."""
        of_video, rows = dict[str, str](), Counter[str]()
        for path in files:
            table = pq.read_table(path, columns=[_VIDEO, "source", "licence"])
            columns = (table.column(name).to_pylist() for name in table.column_names)
            for video_id, source, licence in zip(*columns, strict=True):
                family = licences.family((source, licence))
                of_video[video_id] = name_of_family(family)
                rows[family] += 1
        called = {name_of_family(family): (family, number) for family, number in rows.items()}
        of_key = {sample_key(video_id): family for video_id, family in of_video.items()}
        return cls(of_video, of_key, dict(sorted(called.items())))


def _parquet_files(name: str, path: Path, families: _Families, copies: Path) -> dict[str, Path]:
    form = _FORMS.get(name.partition("/")[0])
    stored = (form.compression, form.dictionary) if form else ()
    with pq.ParquetFile(path) as file, ExitStack() as stack:
        own = _of_rows(file, families)
        if len(set(own)) == 1:
            return {with_family(name, own[0]): path}
        schema, written = file.schema_arrow, dict[str, pq.ParquetWriter]()
        places = {family: with_family(name, family) for family in sorted(set(own))}
        for family, place in places.items():
            (copies / place).parent.mkdir(parents=True, exist_ok=True)
            written[family] = stack.enter_context(open_parquet(copies / place, schema, *stored))
        first = 0
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            of_rows = own[first : first + rows.num_rows]
            first += rows.num_rows
            for family, writer in written.items():
                part = rows.filter(pa.array([each == family for each in of_rows]))
                if part.num_rows:
                    writer.write_table(part.replace_schema_metadata(schema.metadata), part.num_rows)
    return {place: copies / place for place in places.values()}


def _of_rows(file: pq.ParquetFile, families: _Families) -> list[str]:
    """The family of each row."""
    if _VIDEO in file.schema_arrow.names:
        ids: list[Any] = file.read(columns=[_VIDEO]).column(0).to_pylist()
    else:  # of a trace
        about: list[Any] = file.read(columns=["metadata"]).column(0).to_pylist()
        ids = [json.loads(text)[_VIDEO] for text in about]
    return [families.of_video[video_id] for video_id in ids]


def _tars(name: str, path: Path, families: _Families, copies: Path) -> dict[str, Path]:
    with tarfile.open(path, "r:") as tar, ExitStack() as stack:
        own = {member.name: families.of_key[member.name.partition("/")[0]] for member in tar}
        found = {family: with_family(name, family) for family in sorted(set(own.values()))}
        if len(found) == 1:
            return dict.fromkeys(found.values(), path)
        written = dict[str, tarfile.TarFile]()
        for family, place in found.items():
            (copies / place).parent.mkdir(parents=True, exist_ok=True)
            written[family] = stack.enter_context(tarfile.open(copies / place, "w:"))
        for member in tar:
            written[own[member.name]].addfile(member, tar.extractfile(member))
    return {place: copies / place for place in found.values()}


def _texts(
    leaving: Mapping[str, Path], found: Mapping[str, Path], families: _Families
) -> dict[str, str]:
    """What card and counts say of a release of several families."""
    texts = {CARD: with_families(leaving[CARD].read_text("utf-8"), found, families.called)}
    if COUNTS in leaving:
        counts = json.loads(leaving[COUNTS].read_bytes())
        texts[COUNTS] = (
            json.dumps({**counts, "format": NEWEST_FORMAT}, indent=2, ensure_ascii=False) + "\n"
        )
    return texts
