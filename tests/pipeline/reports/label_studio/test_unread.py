"""What cannot be read of an export has a name, and the rest goes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.many_samples import dialogue, plain
from pipeline.errors import CommandError
from pipeline.reports.label_studio.project import task_of
from tests.pipeline.reports.label_studio.exports import (
    RATE,
    Run,
    annotated,
    move,
    results,
    say,
    task,
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


UNREAD: dict[str, Any] = {
    "a row that is no task with its data, as the format JSON has it": {"video": "a.mp4", "id": 1},
    "a task that `label export` did not make: no data.turnwise": {"data": {"video": "a.mp4"}},
    "a task of a sample that this run has not": annotated(task_of(dialogue(1, plain), RATE, "")),
    "an annotation without a time": annotated(task(), at="yesterday"),
}


@pytest.mark.parametrize("why", UNREAD)
def test_a_task_that_cannot_be_read_is_named_and_the_rest_goes_in(run: Run, why: str) -> None:
    idle = {"data": task()["data"], "annotations": []}
    taken = run.take(UNREAD[why], annotated(task()), idle)
    assert (taken.problems, taken.idle) == ({why: 1}, 1)
    assert run.said == {"": ("accept", None, None, None)}


def test_a_region_that_cannot_be_read_is_named_and_the_rest_goes_in(run: Run) -> None:
    judged = annotated(task())
    move(judged, "r0", end=1600)
    say(judged, "r1", "One.", "Two.")
    move(judged, "r2", end=1225)
    results(judged).append({"id": "c", "from_name": "choice", "type": "choices", "value": {}})
    results(judged).append({"id": 5})
    assert run.take(judged).problems == {
        "a region that leaves the clip": 1,
        "a region with several texts": 1,
        "a result of a control that is not ours": 1,
        "a result that is none": 1,
    }
    assert run.said == {"r2": ("change", None, 49.0, None)}, "the others are as they were"


@pytest.mark.parametrize(
    "ranges", [None, [], [{"start": 3}], [{"start": 5, "end": 3}], [{"start": 1, "end": 2}] * 2]
)
def test_ranges_that_are_none(run: Run, ranges: Any) -> None:
    judged = annotated(task())
    results(judged)[0]["value"]["ranges"] = ranges
    assert run.take(judged).problems == {"a region without one range of frames": 1}
    assert "r0" not in run.said and "" not in run.said


PLACES: tuple[tuple[str | int, ...], ...] = (
    *((*("annotations", 0, "result", 0), name) for name in ("id", "value", "meta", "from_name")),
    *(("annotations", 0, "result", n, "meta", "rid") for n in (0, 1)),
    ("annotations", 0, "result", 0, "value", "ranges", 0, "end"),
    ("annotations", 0, "result", 1, "value", "text"),
    ("annotations", 0, "result", 0),
    *(("annotations", 0, name) for name in ("result", "completed_by", "updated_at")),
    *(("data", "turnwise", name) for name in ("frames_per_s", "clip_start_s", "responses")),
    *(("data", "turnwise", "responses", 0, name) for name in ("rid", "start_s", "kind")),
    *(("data",), ("annotations",)),
)
ODD = st.recursive(
    st.none() | st.integers() | st.floats() | st.sampled_from(["", "r1", "x" * 20_000, 10**400]),
    lambda inner: st.lists(inner) | st.dictionaries(st.just("id"), inner),
    max_leaves=4,
)


@given(st.sampled_from(PLACES), ODD)
def test_no_value_anywhere_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: Any
) -> None:
    judged: Any = annotated(task())
    for each in results(judged):
        if each["id"] == "r0":
            each["id"] = "other"
    holder = judged
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    Run(tmp_path_factory.mktemp("run")).take(judged, value)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_out_of_all_calendars_is_none(run: Run, at: str) -> None:
    assert run.take(annotated(task(), at=at)).problems == {"an annotation without a time": 1}


def test_decisions_that_are_none_are_said(run: Run) -> None:
    Path(run.root / "decisions.jsonl").write_text('{"sample_id": 1}\n', encoding="utf-8")
    with pytest.raises(CommandError, match=r"decisions\.jsonl, line 1"):
        run.take(annotated(task()))
