"""A dataset of the Hugging Face Hub or in a folder; options name its columns.

``dataset`` is its name on the Hub or a path; by default it is the folder of annotations, as
downloaded or as written by ``save_to_disk``. ``config``, ``revision`` and ``subset`` choose what is
read; by default the only config, the newest revision and all subsets. The subsets ``train``,
``validation`` and ``test`` are our splits; a row of any other subset needs a column ``split``, else
it is ``unassigned``. The columns are those of the adapter ``table``. Videos are not downloaded: of
a column of videos the paths are read, and looked for in Parquet files and tars below ``--videos``
too; for a folder of Parquet files with videos the adapter ``table`` is faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile
from pipeline.manifest.adapters.columns import Cells, Columns, by_column, entry_by, read_options
from pipeline.manifest.adapters.hub_datasets import open_subsets, subset_rows
from pipeline.manifest.adapters.layouts import UNASSIGNED

_SPLITS = {"train": "train", "validation": "val", "val": "val", "test": "test"}


class Options(Columns):
    """The columns, and the dataset."""

    dataset: str = Field("", description="name on the Hub, or a path")
    config: str = Field("", description="one of its configurations")
    subset: str = Field("", description="one of its splits, as it calls it")
    revision: str = Field("", description="a commit, branch or tag")


def make(options: Mapping[str, str]) -> Adapter:
    """The adapter of a dataset with these columns.

    Raises:
        ConfigError: an option is unknown or its value is not valid.
    """
    found = read_options(Options, options)

    def rows(folder: Path) -> Iterator[tuple[str, Any]]:
        subsets = open_subsets(
            found.dataset or str(folder),
            config=found.config,
            revision=found.revision,
            subset=found.subset,
        )
        for name, subset in subsets.items():
            split = _SPLITS.get(name, UNASSIGNED)
            raw = subset_rows(name, subset, found.columns.values(), found.named)
            for pointer, cells in by_column(raw, found):
                without = isinstance(cells, dict) and not cells.get("split")
                yield pointer, {**cells, "split": split} if without else cells

    return Adapter(
        name="hugging_face",
        title=found.dataset or "A dataset in a folder",
        files=(AnnotationFile("", rows, Cells, entry_by(found)),),
        proven=True,
        proof="options state what its columns mean",
        licence=found.licence,
    )
