"""What an adapter is: a value that knows the files of one dataset, and nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.manifest.adapters.entry import Entry, Unread

R = TypeVar("R", bound="RawRecord")


class RawRecord(BaseModel):
    """A record as its file has it: the fields that are used, each with the types that occur.

    Fields that are not used are let be, for files of other versions have more of them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, strict=True)


Rows = Iterable[tuple[str, Any]]
"""Records with their pointers, in the order of the file."""


@dataclass(frozen=True)
class AnnotationFile(Generic[R]):
    """One kind of file of a dataset.

    ``pattern`` is a glob below the folder of annotations. ``rows`` reads a file record by record
    (``layouts.py``). ``entry`` turns a record that has the fields of ``record`` into an entry.
    ``split`` is that of all its records, where the file is of one.
    """

    pattern: str
    rows: Callable[[Path], Rows]
    record: type[R]
    entry: Callable[[R, str, str], Entry | Unread]
    """Of a record, its pointer, and the split of the file."""
    split: str = "train"


@dataclass(frozen=True)
class Adapter:
    """A dataset.

    ``licence`` is its key in ``data_manifest/licences.yaml``. ``proven`` says whether the adapter
    was tried on real files of its publisher; where it was written from documentation alone,
    ``proof`` says which.
    """

    name: str
    title: str
    files: tuple[AnnotationFile[Any], ...]
    proven: bool
    proof: str
    licence: str


def read_file(file: AnnotationFile[Any], path: Path) -> Iterator[Entry | Unread]:
    """Every record of a file, as an entry or with what is wrong with it; never raises for one."""
    for pointer, raw in file.rows(path):
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
