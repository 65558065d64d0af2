"""What people decide of samples: JSON lines, of which the last about a sample and response holds.

<root>/decisions.jsonl
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from pipeline.errors import CommandError
from pipeline.records import Seconds
from pipeline.settings import Settings
from pipeline.store.location import Location

DECISIONS: Final = "decisions.jsonl"


class Decision(Settings):
    """A decision of a person; ``none`` takes back the one before."""

    sample_id: str = Field(min_length=1, max_length=64)
    decision: Literal["accept", "reject", "change", "none"]
    rid: str = Field("", max_length=64)
    """The response that it is about; empty for the whole sample."""
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    text: str | None = Field(None, max_length=10_000)
    note: str = Field("", max_length=10_000)
    who: str = Field("", max_length=200)
    at: str = Field("", max_length=40)
    """UTC, ISO 8601."""


def read_decisions(root: Location) -> list[dict[str, Any]]:
    """Those that hold, the latest last; lines that are no decisions are passed over."""
    found: dict[tuple[str, str], Decision] = {}
    for decision in _lines(root / DECISIONS):
        key = decision.sample_id, decision.rid
        found.pop(key, None)
        if decision.decision != "none":
            found[key] = decision
    return [each.model_dump(mode="json") for each in found.values()]


def save_decision(root: Location, decision: Decision) -> None:
    """Append a decision to the file, whose last line may have been cut.

    Raises:
        CommandError: the run lies in an object store, where nothing can be appended.
    """
    path = (root / DECISIONS).path
    if path is None:
        raise CommandError("not supported: decisions of a run in an object store")
    line = json.dumps(decision.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _lines(file: Location) -> Iterator[Decision]:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    for line in content.decode(errors="replace").splitlines():
        try:
            yield Decision.model_validate_json(line)
        except ValidationError:
            continue
