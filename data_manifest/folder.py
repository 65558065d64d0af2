"""A folder of videos, of which nothing is said: every file that ends as a video does.

``--annotations`` and ``--videos`` are both that folder. Hidden files and folders are passed over. A
video is called by its path below the folder. Options are ``split`` and ``licence`` of all, and
``platform``: where stems are ids of a platform, such as ``youtube``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.columns import read_options
from pipeline.manifest.adapters.entry import SUFFIXES, Entry, Place, Unread


class Options(BaseModel):
    """What holds for all videos."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field("train", min_length=1)
    platform: str = ""
    licence: str = Field("own", min_length=1, description="entry in data_manifest/licences.yaml")


class File(RawRecord):
    """A file, by its path below the folder."""

    path: str


def make(options: Mapping[str, str]) -> Adapter:
    """The adapter of a folder.

    Raises:
        ValueError: an option is unknown or has no such value.
    """
    found = read_options(Options, options)

    def entry(record: File, pointer: str, split: str) -> Entry | Unread:
        stem = Path(record.path).stem
        platform_id = f"{found.platform}:{stem}" if found.platform else ""
        return Entry(record.path, (Place(record.path),), (), split, platform_id)

    return Adapter(
        name="folder",
        title="A folder of videos",
        files=(AnnotationFile("", _files, File, entry, found.split),),
        proven=True,
        proof="it says nothing but what files there are",
        licence=found.licence,
    )


def _files(folder: Path) -> Iterator[tuple[str, Any]]:
    """The video files below a folder, by path. Links to folders are not followed."""
    for where, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(SUFFIXES):
                path = (Path(where) / name).relative_to(folder).as_posix()
                yield path, {"path": path}


def _raise(error: OSError) -> None:
    raise error
