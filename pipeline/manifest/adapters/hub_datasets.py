"""Reads datasets of the library ``datasets``, on the Hugging Face Hub or in a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.manifest.adapters.entry import Unread


def open_subsets(
    name: str, *, config: str = "", revision: str = "", subset: str = ""
) -> Mapping[str, Any]:
    """The subsets of a dataset by name, or the one named ``subset``.

    ``name`` is a name on the Hub, or a folder as downloaded or as written by ``save_to_disk``. A
    dataset without subsets has one with an empty name. Only what is read is downloaded.

    Raises:
        OSError: the dataset cannot be opened, or has no such config or subset.
    """
    # Imported here because it takes more than a second.
    from datasets.load import load_dataset, load_from_disk  # noqa: PLC0415

    saved = any((Path(name) / mark).is_file() for mark in ("dataset_dict.json", "state.json"))
    try:
        if saved:
            found: Any = load_from_disk(name)
        else:
            found = load_dataset(name, config or None, revision=revision or None, streaming=True)
    except (OSError, ValueError) as error:
        raise OSError(f"dataset {name}: {error}") from None
    subsets = found if isinstance(found, dict) else {str(found.split or ""): found}
    if subset and subset not in subsets:
        known = ", ".join(subsets)
        raise OSError(f"dataset {name}: there is no subset {subset!r}; there are: {known}")
    return {subset: subsets[subset]} if subset else subsets


def subset_rows(
    name: str, subset: Any, wanted: Collection[str], needed: Collection[str]
) -> Iterator[tuple[str, Any]]:
    """The rows of a subset; pointers are its name and row numbers from 0.

    Only the ``wanted`` columns are read; all of them where a ``needed`` one is missing, so that the
    error can list them. Videos are not decoded. A read error ends the subset, as ``damaged``.
    """
    from datasets.arrow_dataset import Dataset  # noqa: PLC0415
    from datasets.exceptions import DatasetsError  # noqa: PLC0415

    rows: Any = subset.to_iterable_dataset() if isinstance(subset, Dataset) else subset
    there = rows.column_names or []
    if there and set(needed) <= set(there):
        rows = rows.select_columns([column for column in there if column in wanted])
    number = 0
    try:
        for row in rows.decode(False) if rows.features else rows:
            yield f"{name}/{number}", row
            number += 1
    except (OSError, ValueError, pa.ArrowException, DatasetsError) as error:
        pointer = f"{name}/{number}"
        yield pointer, Unread(pointer, "damaged", str(error)[:200])
