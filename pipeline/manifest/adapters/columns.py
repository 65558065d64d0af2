"""Tables of the user's own: the meaning of their columns, and entries made of their rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigError, explain
from pipeline.manifest.adapters.adapter import RawRecord, Rows
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, RawKind, Unread
from pipeline.manifest.adapters.layouts import clock_s
from pipeline.manifest.adapters.platform_ids import photo_id

M = TypeVar("M", bound=BaseModel)
Column = Annotated[str, Field(min_length=1)]
Time = str | int | float | None


class Columns(BaseModel):
    """The options: the name of each column, and values that hold for all rows.

    A column named in the options must be in every row. Other columns have the names of their
    fields, and may be missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: Column = Field("video", description="column: the file, or its stem")
    name: Column = Field("name", description="column: name of the video; else its file")
    split: Column = Field("split", description="column: train, val, test")
    platform_id: Column = Field("platform_id", description="column: such as youtube:<id>")
    clip_start_s: Column = Field("clip_start_s", description="column: seconds in the file")
    clip_end_s: Column = Field("clip_end_s", description="column: seconds in the file")
    text: Column = Field("text", description="column: caption, step or answer")
    start_s: Column = Field("start_s", description="column: when it starts, in the clip")
    end_s: Column = Field("end_s", description="column: when it ends, in the clip")
    question: Column = Field("question", description="column: the question")
    options: Column = Field("options", description="column: a list, or one as JSON")
    asked_s: Column = Field("asked_s", description="column: when it is asked, in the clip")
    annotator: Column = Field("annotator", description="column: which of several annotators")
    kind: Literal["event", "step", "qa", ""] = Field(
        "",
        description="kind of all; left out, qa where there is a question, else event",
    )
    origin: Literal["human", "model", "asr"] = Field("human", description="who wrote the texts")
    per_second: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="units of time in a second: 1000 for milliseconds, 25 for frames",
    )
    resolution_s: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="resolution of the times: 5 where annotators chose among chunks of 5 s, 0 where"
        " times are exact",
    )
    licence: str = Field("own", min_length=1, description="entry in data_manifest/licences.yaml")

    @property
    def columns(self) -> Mapping[str, str]:
        """The name of the column of each field of ``Cells`` that is one."""
        return {key: getattr(self, key) for key in Cells.model_fields if key != "cell"}

    @property
    def named(self) -> frozenset[str]:
        """The columns that every row must have."""
        return frozenset(getattr(self, key) for key in self.model_fields_set & self.columns.keys())


class Cells(RawRecord):
    """A row, by our names of the fields."""

    video: Annotated[str, Field(pattern=r"\S")]
    cell: str = ""
    """The uri of the bytes of the video, where the row has them."""
    name: str | int | None = None
    split: str | None = None
    platform_id: str | None = None
    clip_start_s: Time = None
    clip_end_s: Time = None
    text: str | None = None
    start_s: Time = None
    end_s: Time = None
    question: str | None = None
    options: str | list[str] | None = None
    asked_s: Time = None
    annotator: str | None = None


def read_options(model: type[M], options: Mapping[str, str]) -> M:
    """The options of an adapter, from the command line.

    Raises:
        ConfigError: an option is unknown or its value is not valid.
    """
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise ConfigError(explain(error, model)) from None


def by_column(rows: Rows, columns: Columns) -> Iterator[tuple[str, Any]]:
    """Rows by the fields of ``Cells``; unread as ``no_column`` where a named column is missing."""
    wanted, named = columns.columns, columns.named
    for pointer, row in rows:
        if not isinstance(row, Mapping):
            yield pointer, row
            continue
        missing = sorted(named - row.keys())
        if missing:
            there = ", ".join(map(str, row))[:150]
            detail = f"there is no column {missing[0]!r}; there are: {there}"
            yield pointer, Unread(pointer, "no_column", detail)
            continue
        cells = {key: row[column] for key, column in wanted.items() if column in row}
        video = cells.get("video")
        if isinstance(video, Mapping):
            # Columns of videos in Hub datasets hold {"path": ..., "bytes": ...}.
            cell = video.get("cell") or ""
            cells |= {"video": video.get("path") or cell or None, "cell": cell}
        yield pointer, cells


class _Unreadable(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


def entry_by(columns: Columns) -> Callable[[Cells, str, str], Entry | Unread]:
    """The function that makes an entry of a row.

    Times are numbers, or strings of numbers, of which ``per_second`` make a second; or clock times,
    ``H:MM:SS.fff``. A clip needs both its times. A row with a text, even a blank one, has an
    annotation; another row only names its video.
    """

    def entry(cells: Cells, pointer: str, split: str) -> Entry | Unread:
        try:
            return _entry(columns, cells, pointer, split)
        except _Unreadable as problem:
            return Unread(pointer, problem.reason, problem.detail)

    return entry


def _seconds(columns: Columns, cells: Cells, field: str) -> float | None:
    value: Time = getattr(cells, field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = clock_s(value) if isinstance(value, str) else None
    if found is None:
        try:
            found = float(value) / columns.per_second
        except (ValueError, OverflowError):
            found = float("nan")
    if not isfinite(found):
        raise _Unreadable("bad_time", f"{getattr(columns, field)} is {str(value)[:60]!r}")
    return found


def _entry(columns: Columns, cells: Cells, pointer: str, split: str) -> Entry:
    clip = _clip(columns, cells)
    part = "" if clip is None else f"#t={clip[0]:g},{clip[1]:g}"
    name = "" if cells.name is None else str(cells.name)
    return Entry(
        name if name.strip() else f"{cells.video}{part}",
        tuple(Place(path, clip) for path in (cells.video, cells.cell) if path),
        (_annotation(columns, cells, pointer),) if "text" in cells.model_fields_set else (),
        cells.split or split,
        cells.platform_id or photo_id(cells.video),
    )


def _clip(columns: Columns, cells: Cells) -> tuple[float, float] | None:
    start_s = _seconds(columns, cells, "clip_start_s")
    end_s = _seconds(columns, cells, "clip_end_s")
    if start_s is None and end_s is None:
        return None
    if start_s is None or end_s is None:
        raise _Unreadable("bad_clip", "a clip needs its start and its end")
    return start_s, end_s


def _annotation(columns: Columns, cells: Cells, pointer: str) -> RawAnnotation:
    kind: RawKind = columns.kind or ("qa" if (cells.question or "").strip() else "event")
    return RawAnnotation(
        kind,
        cells.text,
        start_s=_seconds(columns, cells, "start_s"),
        end_s=_seconds(columns, cells, "end_s"),
        question=cells.question if kind == "qa" else None,
        options=_options(cells.options) if kind == "qa" else (),
        asked_s=_seconds(columns, cells, "asked_s") if kind == "qa" else None,
        resolution_s=columns.resolution_s,
        origin=columns.origin,
        annotator=cells.annotator or "",
        pointer=f"{pointer}/{columns.text}",
    )


def _options(value: str | list[str] | None) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise _Unreadable("bad_options", f"no JSON list of texts: {value[:60]!r}")
        return tuple(found)
    return tuple(value or ())
