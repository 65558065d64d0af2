"""The licences of datasets (``data_manifest/licences.yaml``): terms of annotations and videos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.errors import ConfigError, did_you_mean
from pipeline.store.files.yaml_files import load_yaml

LICENCES_FILE = Path(__file__).resolve().parents[3] / "data_manifest" / "licences.yaml"

Without = Literal["share-alike", "ego4d", "model-written"]
"""What can be left out of a manifest."""


class Terms(BaseModel):
    """The terms of one dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotations: str = Field(min_length=1, description="licence of the annotations, or `not found`")
    videos: str = Field(min_length=1, description="terms of the videos")
    family: str = Field(
        pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$",
        description="rows of one family share their terms, and may be in one file",
    )
    share_alike: bool = Field(description="derived data must be published on the same terms")
    non_commercial: bool
    publish: tuple[Literal["text", "videos"], ...] = Field(
        description="what a derived corpus may publish; an empty list: ids alone"
    )
    attribution: str = Field(min_length=1, description="whom to name")
    written_by: Literal["human", "model", "asr", "mixed", "nobody"] = Field(
        description="who wrote the annotations"
    )
    ego4d: bool = Field(False, description="the videos are Ego4D's, whose licence is to be signed")
    platforms: Mapping[str, str] = Field(
        {},
        description="by platform, the entry of this file that its videos are under, for a dataset"
        " that collects from several",
    )
    note: str = ""
    checked: str = Field(min_length=1, description="where this was read")

    @property
    def licence(self) -> str:
        """The licence as text, as it is in every row."""
        return f"annotations: {self.annotations}; videos: {self.videos}"

    def left_out(self, without: frozenset[Without], platform: str) -> str:
        """The reason to leave a video out; empty where it stays.

        ``model-written`` leaves out annotations, not videos.
        """
        if "share-alike" in without and self.share_alike:
            return "share_alike"
        if "ego4d" in without and (self.ego4d or platform == "ego4d"):
            return "ego4d"
        return ""


def load_licences(path: Path = LICENCES_FILE) -> Mapping[str, Terms]:
    """The terms of every dataset by name.

    Raises:
        ConfigError: the file cannot be read, or an entry is not valid; the message names the keys.
    """
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"))
        licences = TypeAdapter(dict[str, Terms]).validate_python(raw)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        raise ConfigError(_explained(path, error)) from None
    for name, terms in licences.items():
        for platform, other in terms.platforms.items():
            if other not in licences:
                hint = did_you_mean(other, licences)
                raise ConfigError(f"{path}: {name}.platforms.{platform}: no entry {other!r}{hint}")
    return licences


def terms_of(licences: Mapping[str, Terms], licence: str) -> Terms:
    """The terms of a dataset.

    Raises:
        ConfigError: it has no entry in the file.
    """
    if licence not in licences:
        hint = did_you_mean(licence, licences)
        raise ConfigError(f"{LICENCES_FILE.name}: there is no entry {licence!r}{hint}")
    return licences[licence]


def _explained(path: Path, error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        *above, last = [str(part) for part in item["loc"]] or ["(top)"]
        hint = ""
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(last, Terms.model_fields)
        lines.append(f"{path}: {'.'.join([*above, last])}: {item['msg']}{hint}")
    return "\n".join(lines)
