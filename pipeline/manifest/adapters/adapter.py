"""The contract of adapters: a value that describes the files of one dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.manifest.adapters.entry import Entry, Reading, Unread

R = TypeVar("R", bound="RawRecord")


class RawRecord(BaseModel):
    """A record of a file: the fields that are used, each with the types that occur.

    Other fields are ignored, for other versions of a file may have more of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)


Rows = Iterable[tuple[str, Any]]
"""Pointers and records, in the order of the file; an ``Unread`` or a ``Reading`` stands as it is.
"""


@dataclass(frozen=True)
class AnnotationFile(Generic[R]):
    """One kind of file of a dataset.

    ``pattern`` is a glob below the folder of annotations. ``rows`` reads a file record by record
    (``layouts.py``). ``entry`` makes an entry of a validated record, its pointer and the split of
    the file. ``split`` is that of all records, where the file has one split. ``copies`` is a glob
    of the same files under other names; they are read where ``pattern`` has none.
    """

    pattern: str
    rows: Callable[[Path], Rows]
    record: type[R]
    entry: Callable[[R, str, str], Entry | Unread]
    split: str = "train"
    copies: str = ""


@dataclass(frozen=True)
class Adapter:
    """A dataset.

    ``licence`` is its key in ``data_manifest/licences.yaml``. ``proven``: the adapter was tried on
    real files of the publisher. ``proof`` names those files, or the documentation that it was
    written from.
    """

    name: str
    title: str
    files: tuple[AnnotationFile[Any], ...]
    proven: bool
    proof: str
    licence: str


def read_file(
    file: AnnotationFile[Any], path: Path, tell: Callable[[str], object] | None = None
) -> Iterator[Entry | Unread]:
    """Every record of a file, as an entry or as unread; no record raises an error.

    ``tell`` is called with how the file is read, where its records decide that.
    """
    for pointer, raw in file.rows(path):
        if isinstance(raw, Reading):
            if tell is not None:
                tell(raw.text)
            continue
        if isinstance(raw, Unread):
            yield raw
            continue
        try:
            record = file.record.model_validate(raw)
        except ValidationError as error:
            yield Unread(pointer, "malformed", _first(error))
            continue
        yield file.entry(record, pointer, file.split)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, found["loc"])) or "record"
    return f"{where}: {found['msg']}"[:200]
