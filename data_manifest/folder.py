"""A folder of videos without annotations: every file with a video suffix, and every video in a
``.tar``, a ``.zip`` without compression, or a column of Parquet.

``--annotations`` and ``--videos`` are both that folder. Hidden files and folders are passed over. A
video is named by its path below the folder, one in a container also by its name there. Options are
``split`` and ``licence``, which hold for all videos, and ``platform``, such as ``youtube``, where
file stems are ids of that platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.columns import read_options
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from pipeline.manifest.adapters.layouts import video_paths
from pipeline.manifest.adapters.platform_ids import photo_id


class Options(BaseModel):
    """The options; they hold for all videos."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: str = Field("train", min_length=1, description="split of all videos")
    platform: str = Field("", description="platform that file stems are ids of")
    licence: str = Field("own", min_length=1, description="entry in data_manifest/licences.yaml")


class File(RawRecord):
    """A file, or a video in one; ``path`` is relative to the folder."""

    path: str
    name: str


def make(options: Mapping[str, str]) -> Adapter:
    """The adapter of a folder with these options.

    Raises:
        ConfigError: an option is unknown or its value is not valid.
    """
    found = read_options(Options, options)

    def entry(record: File, pointer: str, split: str) -> Entry | Unread:
        stem = Path(record.name).stem
        named = f"{found.platform}:{stem}" if found.platform and stem else ""
        platform_id = photo_id(record.name) or named
        return Entry(record.path, (Place(record.path),), (), split, platform_id)

    return Adapter(
        name="folder",
        title="A folder of videos",
        files=(AnnotationFile("", video_paths, File, entry, found.split),),
        proven=True,
        proof="it reads nothing but the names of files",
        licence=found.licence,
    )
