"""The settings of a combined manifest: a YAML file as a validated value."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from pipeline.errors import ConfigError, explain
from pipeline.manifest.adapters.licences import Without
from pipeline.manifest.reconcile.file_evidence import Link
from pipeline.manifest.reconcile.near_duplicates import SameFrames
from pipeline.store.files.yaml_files import read_mapping

ENDINGS = (".yaml", ".yml")

Share = Annotated[float, Field(gt=0)]
Scalar = str | int | float | bool


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SourceItem(_Strict):
    """One dataset, with the options that the verb ``manifest`` has for it."""

    source: str = Field(min_length=1, description="name of its adapter")
    name: str = Field(
        "",
        description="first part of the ids of its rows, each once; left out, the adapter",
    )
    annotations: Path = Field(description="folder of its annotation files, or one of them")
    videos: tuple[Annotated[str, BeforeValidator(_as_text)], ...] = Field(
        min_length=1, description="folders of its videos, also s3:// and gs://"
    )
    options: dict[str, str] = Field({}, description="of the rules, and the adapter's own")
    split: str = Field("", description="only the videos of this split")
    limit: int | None = Field(None, ge=1, description="the most rows")
    share: Share | None = Field(
        None, description="of `videos`, in any unit; for all sources or for none"
    )
    without: tuple[Without, ...] = Field((), description="what to leave out")

    @field_validator("videos", mode="before")
    @classmethod
    def _one_folder(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("options", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        """As on the command line, where 25 and true are strings."""
        if not isinstance(value, dict):
            return value
        return {k: _text(v) if isinstance(v, Scalar) else v for k, v in value.items()}

    @property
    def called(self) -> str:
        """Its own name, or the name of its adapter."""
        return self.name or self.source


class Bin(_Strict):
    """A bin of video lengths, half-open, in seconds."""

    start_s: float = Field(0, ge=0, description="the least length")
    end_s: float | None = Field(None, gt=0, description="above every length; null: no limit")
    share: Share = Field(description="of `videos`, in any unit")

    def holds(self, length_s: float) -> bool:
        """Whether a length is in the bin."""
        return self.start_s <= length_s and (self.end_s is None or length_s < self.end_s)

    @property
    def called(self) -> str:
        """Such as ``30-60 s``."""
        if self.end_s is None:
            return f"{self.start_s:g} s and more"
        return f"{self.start_s:g}-{self.end_s:g} s"


class Chosen(_Strict):
    """The settings that hold for all sources together."""

    videos: int | None = Field(None, ge=1, description="the most rows in all")
    durations: tuple[Bin, ...] = Field((), description="bins of lengths, with the share of each")
    hold_out: tuple[Path, ...] = Field((), description="lists of videos to keep out of training")
    identity: tuple[Link, ...] = Field(
        (),
        description="how to find that videos are the same, beside platform ids: content, files of"
        " equal bytes; frames, files whose frames look alike",
    )
    same_frames: SameFrames = Field(
        SameFrames(), description="when the frames of two files look alike"
    )
    same_video: Literal["keep", "first"] = Field(
        "keep",
        description="rows with the same part of the same video: keep all, or those of the first"
        " source",
    )
    seed: int = Field(0, description="of the hash ranks by which rows are drawn")


class Combination(Chosen):
    """The file that the verb ``manifest`` takes in place of the name of an adapter."""

    sources: tuple[SourceItem, ...] = Field(
        min_length=1, description="the datasets that it is made of"
    )


def load_combination(path: Path) -> Combination:
    """The combination in a file; relative paths in it start from the file's folder.

    Raises:
        ConfigError: the file cannot be read, or a key or value is wrong; the message names it.
    """
    raw = read_mapping(path, "with `sources`")
    try:
        found = Combination.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}:\n{explain(error, Combination)}") from None
    problem = _of_shares(found) or _of_names(found) or _of_bins(found)
    if problem:
        raise ConfigError(f"{path}: {problem}")
    start = path.parent
    sources = [
        item.model_copy(
            update={
                "annotations": start / item.annotations.expanduser(),
                "videos": tuple(_address(start, folder) for folder in item.videos),
            }
        )
        for item in found.sources
    ]
    update = {"sources": tuple(sources), "hold_out": _below(start, found.hold_out)}
    return found.model_copy(update=update)


def _of_shares(found: Combination) -> str:
    """The error in the shares; empty when there is none."""
    shared = [item.share is not None for item in found.sources]
    if any(shared) and not all(shared):
        return f"sources.{shared.index(False)}.share: give it to all sources, or to none"
    if found.videos is None and (found.durations or any(shared)):
        return "videos: this key is needed where there are shares"
    return ""


def _of_names(found: Combination) -> str:
    names = [item.called for item in found.sources]
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"sources: {twice} stands there twice; give each a `name` of its own" if twice else ""


def _of_bins(found: Combination) -> str:
    ordered = sorted(found.durations, key=lambda one: one.start_s)
    for one in ordered:
        if one.end_s is not None and one.end_s <= one.start_s:
            return f"durations: {one.called}: end_s must be after start_s"
    for one, other in pairwise(ordered):
        if one.end_s is None or one.end_s > other.start_s:
            return f"durations: {one.called} and {other.called} overlap"
    return ""


def _below(start: Path, paths: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(start / path.expanduser() for path in paths)


def _address(start: Path, folder: str) -> str:
    """As it is, where it has a scheme; else below the folder ``start``."""
    return folder if "://" in folder else str(start / Path(folder).expanduser())


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
