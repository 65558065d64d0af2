"""The runs of two corpora side by side: settings that changed, and what each step turned down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.corpus.facts import CONFIG, RUN, RunFacts

GIVEN: Final = "rows given"
"""In place of a reason: the rows that a step gave."""
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)
"""Of a folder without the file, and of a Parquet file."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingChange(_Value):
    """A setting that differs; None where a run does not have it."""

    key: str
    """Dotted, as in the config."""
    before: Any
    after: Any


class YieldChange(_Value):
    """Rows that a step turned down for a reason, where they differ or a setting of theirs does."""

    node: str
    reason: str
    """``GIVEN``: those that it gave."""
    settings: dict[str, Any]
    """Of the second run, such as decide it."""
    before: int
    after: int


class RunChanges(_Value):
    """What differs between two runs."""

    settings: list[SettingChange] = []
    yields: list[YieldChange] = []


def compare_runs(before: Path, after: Path) -> RunChanges:
    """Of two corpus folders. One that does not know its run, as a Parquet file, has no changes."""
    return RunChanges(
        settings=changed_settings(read_config(before), read_config(after)),
        yields=changed_yields(read_facts(before), read_facts(after)),
    )


def read_facts(corpus: Path) -> RunFacts | None:
    """What a corpus folder says of its run; None where it says nothing, or nothing of this form.

    Raises:
        OSError: the file is there, and the system does not let it be read.
    """
    try:
        return RunFacts.model_validate_json((corpus / RUN).read_bytes())
    except (*_ABSENT, ValidationError):
        return None


def changed_settings(before: str, after: str) -> list[SettingChange]:
    """Of two configs as YAML, by key; none where one of them is empty."""
    if not before or not after:
        return []
    old, new = (dict(_flat(yaml.safe_load(text), "")) for text in (before, after))
    return [
        SettingChange(key=key, before=old.get(key), after=new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def changed_yields(before: RunFacts | None, after: RunFacts | None) -> list[YieldChange]:
    """By step and reason, in the order of the second run; none where one of them is unknown."""
    if before is None or after is None:
        return []
    old, new = _yields(before), _yields(after)
    return [
        YieldChange(
            node=node,
            reason=reason,
            settings=new.get((node, reason), ({}, 0))[0],
            before=old.get((node, reason), ({}, 0))[1],
            after=new.get((node, reason), ({}, 0))[1],
        )
        for node, reason in dict.fromkeys([*new, *old])
        if old.get((node, reason)) != new.get((node, reason))
    ]


def _yields(facts: RunFacts) -> Mapping[tuple[str, str], tuple[dict[str, Any], int]]:
    found: dict[tuple[str, str], tuple[dict[str, Any], int]] = {}
    for node in facts.nodes:
        found[node.node, GIVEN] = {}, node.rows_out
        for turned in node.turned_down:
            found[node.node, turned.reason] = turned.settings, turned.rows
    return found


def read_config(corpus: Path) -> str:
    """The config that lies in a corpus folder, as YAML; empty where there is none.

    Raises:
        OSError: the file is there, and the system does not let it be read.
    """
    try:
        return (corpus / CONFIG).read_text(encoding="utf-8")
    except (*_ABSENT, UnicodeDecodeError):
        return ""


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every leaf of nested mappings with its dotted key."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}".lstrip("."))
    else:
        yield key, value
