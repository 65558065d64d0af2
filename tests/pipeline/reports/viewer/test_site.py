from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.many_samples import dialogue, plain, write_report
from pipeline.errors import CommandError
from pipeline.reports.viewer.decisions import held_decisions, save_decision
from pipeline.reports.viewer.overview import pace
from pipeline.reports.viewer.samples import columns, index_row, shown_sample, strip
from pipeline.reports.viewer.site import script_of
from pipeline.store.location import Location
from pipeline.workflow.curation import Decision

CALL = re.compile(r"turnwise\('([a-z/0-9]+)','((?:[^'\\\n]|\\['\\])*)'\)\n")
"""One call with one text that nothing ends before its end."""


def value_of(script: str) -> object:
    """What the page makes of a script of data."""
    called = CALL.fullmatch(script)
    assert called, script
    return json.loads(re.sub(r"\\(['\\])", r"\1", called[2]))


@given(st.recursive(st.text() | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_a_script_is_one_call_with_the_value(value: object) -> None:
    script = script_of("samples/0", value)
    assert script.isascii()
    assert value_of(script) == value


def test_a_number_that_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_of("index", [float("nan")])


@given(st.text(".-#", max_size=200))
def test_a_strip_has_the_strongest_states(states: str) -> None:
    short = strip(states)
    assert len(short) == min(len(states), 32)
    assert set(short) <= set(states)
    assert ("#" in short) == ("#" in states)


def test_a_sample_has_its_turns_as_columns_and_no_uri() -> None:
    made = dialogue(3, plain)
    shown = shown_sample(made)
    assert len(shown["turns"]["states"]) == len(made.turns)
    assert shown["turns"]["said"][12] == ["Something happened.", ("r0",)]
    assert "uri" not in shown
    assert shown["file"] == "file.mp4"
    row = index_row(made)
    assert (row["pattern"], row["flags"]) == ("several responses after standby", ["merged"])
    assert columns([row, row])["task"] == {"values": [made.task], "codes": [0, 0]}


def test_chunks_hold_all_samples(tmp_path: Path) -> None:
    write_report(tmp_path, 130)
    index = value_of((tmp_path / "data" / "index.js").read_text(encoding="ascii"))
    assert isinstance(index, dict)
    assert index["sizes"] == [64, 64, 2]
    assert len(index["id"]) == 130
    assert all((tmp_path / "data" / "samples" / f"{name}.js").is_file() for name in index["chunks"])


def test_the_last_decision_holds(tmp_path: Path) -> None:
    root = Location.of(tmp_path)
    assert held_decisions(root) == []
    for decision in ("reject", "accept"):
        save_decision(root, Decision(sample_id="a", decision=decision))
    save_decision(root, Decision(sample_id="a", rid="r1", decision="change", text="new"))
    save_decision(root, Decision(sample_id="b", decision="reject", note="é"))
    save_decision(root, Decision(sample_id="b", decision="none"))
    held = [(each["sample_id"], each["rid"], each["decision"]) for each in held_decisions(root)]
    assert held == [("a", "", "accept"), ("a", "r1", "change")]


def test_a_decision_after_a_line_that_was_cut_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    file.write_text('{"sample_id": "a", "deci', encoding="utf-8")
    save_decision(Location.of(tmp_path), Decision(sample_id="b", decision="accept"))
    assert [each["sample_id"] for each in held_decisions(Location.of(tmp_path))] == ["b"]


def test_decisions_of_an_object_store_are_not_supported() -> None:
    with pytest.raises(CommandError, match="not supported"):
        save_decision(Location("s3://bucket/run"), Decision(sample_id="a", decision="accept"))


def test_the_pace_leaves_out_pauses() -> None:
    def entry(minute: int, seconds: float, rows: int) -> dict[str, object]:
        at = f"2026-01-01T10:{minute:02d}:00+00:00"
        counts = {"rows_out": rows, "asks": 1}
        return {"at": at, "seconds": seconds, "counts": counts, "blocked": False, "error": None}

    found = pace([entry(0, 5, 2), entry(50, 10, 3), {**entry(51, 1, 9), "error": "it failed"}])
    assert (found["at_s"], found["rows"], found["shards"]) == ([0.0, 10.0], [2, 5], [1, 2])
