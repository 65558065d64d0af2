"""The files of models on this machine: in folders, or in the cache of the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import constants, try_to_load_from_cache

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"


def cache_folder() -> Path:
    """Where the Hub's client of this process keeps what it downloads."""
    return Path(constants.HF_HUB_CACHE)


def folder_of(model: str, revision: str) -> Path | None:
    """The folder with a model's files on this machine: its own, or one of the cache; None without.
    Nothing is downloaded."""
    folder = Path(model)
    if folder.is_dir():
        return folder
    found = cached_file(model, CONFIG, revision)
    return Path(found).parent if found else None


def absent_files(model: str, revision: str) -> Sequence[str]:
    """The files of a model that are not on this machine, as far as those that are there say."""
    folder = folder_of(model, revision)
    if folder is None or not (folder / CONFIG).is_file():
        return [CONFIG]
    named = read_json(folder / INDEX).get("weight_map", {}).values()
    absent = [name for name in sorted(set(named)) if not (folder / name).is_file()]
    if not named and not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        return ["*.safetensors"]
    return absent


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty without one."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def cached_file(model: str, path: str, revision: str) -> str | None:
    """The path in the cache of a file at a revision; None where it is not."""
    try:
        found = try_to_load_from_cache(model, path, revision=revision or None)
    except ValueError:  # no name that the Hub could have
        return None
    return found if isinstance(found, str) else None
