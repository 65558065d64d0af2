"""What people decide of samples, as the page shows it and as it is saved."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from pipeline.errors import CommandError
from pipeline.store.location import Location
from pipeline.workflow.curation import DECISIONS, Decision, read_decisions, that_hold


def held_decisions(root: Location) -> list[dict[str, Any]]:
    """Those that hold of a run.

    Raises:
        CommandError: a line of the file is no decision.
    """
    try:
        found = read_decisions(root / DECISIONS)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return [each.model_dump(mode="json") for each in that_hold(found)]


def save_decision(root: Location, decision: Decision) -> None:
    """Append a decision to the file of a run; see ``save_decisions``."""
    save_decisions(root, [decision])


def save_decisions(root: Location, decisions: Sequence[Decision]) -> None:
    """Append decisions to the file of a run, whose last line may have been cut.

    Raises:
        CommandError: the run lies in an object store, where nothing can be appended.
    """
    path = (root / DECISIONS).path
    if path is None:
        raise CommandError("not supported: decisions of a run in an object store")
    if not decisions:
        return
    lines = "".join(f"{_line(each)}\n" for each in decisions)
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) == b"\n" else f"\n{lines}"
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def _line(decision: Decision) -> str:
    said = {name: value for name, value in decision.model_dump(mode="json").items() if value}
    return json.dumps(said | _times(decision), ensure_ascii=False)


def _times(decision: Decision) -> dict[str, float]:
    """Of which 0 is one."""
    times = {"start_s": decision.start_s, "end_s": decision.end_s}
    return {name: time_s for name, time_s in times.items() if time_s is not None}
