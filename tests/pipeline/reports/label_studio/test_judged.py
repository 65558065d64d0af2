"""What people did in Label Studio is read as it was meant, and what cannot be read has a name."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.many_samples import dialogue, plain
from pipeline.reports.label_studio.frame_clock import FrameClock, OutsideError
from pipeline.reports.label_studio.project import label_config, media_url, task_of
from pipeline.workflow.curation import Decision, read_decisions
from tests.pipeline.reports.label_studio.exports import (
    RATE,
    SAMPLE,
    Run,
    annotated,
    draw,
    move,
    remove,
    results,
    say,
    task,
)

LATER = "2026-11-29T10:00:00Z"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@given(st.floats(1, 120), st.floats(0, 500), st.floats(0, 400), st.floats(0, 100))
def test_the_frames_of_a_span_are_the_same_after_it_was_read_back(
    rate: float, clip_start_s: float, start_s: float, length_s: float
) -> None:
    clock = FrameClock(rate, clip_start_s, 600)
    first, last = clock.frames("event", start_s, start_s + length_s)
    assert 1 <= first <= last
    assert clock.start_s(first) <= start_s + 1e-5
    assert clock.end_s(last) >= start_s + length_s - 1e-5
    again = clock.frames("event", clock.start_s(first), clock.end_s(last))
    at_the_edge = clock.start_s(first) == 0.0
    assert again == (first, last) or at_the_edge


def test_frames_count_from_one_and_a_range_has_its_last() -> None:
    clock = FrameClock(RATE, 2.0, 10.0)
    assert clock.frames("event", 0, 1) == (51, 75)
    assert (clock.start_s(51), clock.end_s(75)) == (0.0, 1.0)
    assert clock.frames("instant", 1, 1) == (76, 76)
    assert FrameClock(0.3 * 10, 0, 10.1).end_s(31) == 10.1, "a frame that the clip ends in"
    for frame in (49, 303):
        with pytest.raises(OutsideError):
            clock.start_s(frame)


def test_a_task_has_its_regions_with_texts_and_where_its_video_is() -> None:
    made = task()
    assert made["data"]["video"] == "videos/file.mp4" and made["data"]["frames_per_s"] == RATE
    assert made["data"]["question"] == "0 s: What is question 0 about?"
    span, text = made["predictions"][0]["result"][:2]
    assert span["value"] == {"ranges": [{"start": 201, "end": 300}], "timelinelabels": ["tsqa"]}
    assert text["value"]["text"] == ["Something happened."]
    assert span["id"] == text["id"] == span["meta"]["rid"] == "r0"
    assert task_of(dialogue(0, plain), 0.5, "")["data"]["frames_per_s"] == 24
    assert (
        media_url("a b/ä.mp4", "/data/local-files/?d=") == "/data/local-files/?d=a%20b/%C3%A4.mp4"
    )
    assert media_url("https://x/a.mp4", "/d/") == "https://x/a.mp4"


def test_the_config_names_what_the_tasks_name() -> None:
    view = xml.fromstring(label_config(['<a> & "b"', "tsqa"]))
    assert [each.get("value") for each in view.iter("Label")] == ['<a> & "b"', "tsqa"]
    data, shown = task()["data"], task()["predictions"][0]["result"]
    for each in view.iter():
        for name in (each.get("value", ""), each.get("frameRate", "")):
            assert not name.startswith("$") or name[1:] in data
    names = {each.get("name"): each.tag.lower() for each in view.iter()}
    assert all(names[each["from_name"]] == each["type"] for each in shown)
    assert all(names[each["to_name"]] == "video" for each in shown)


def test_a_moved_edge_another_text_and_a_removed_region(run: Run) -> None:
    judged = annotated(task())
    move(judged, "r0", end=325)
    say(judged, "r1", "Something else happened.")
    remove(judged, "r2")
    taken = run.take(judged)
    assert run.said == {
        "r0": ("change", None, 13.0, None),
        "r1": ("change", None, None, "Something else happened."),
        "r2": ("reject", None, None, None),
    }
    assert taken.new == {"change": 2, "reject": 1} and not taken.problems
    (one, *_) = read_decisions(run.root / "decisions.jsonl")
    assert one.by == "label_studio:3@2026-11-29T09:00:00.123456+00:00"
    lines = Path(run.root / "decisions.jsonl").read_bytes()
    again = run.take(judged)
    assert (again.new.total(), again.known) == (0, 3)
    assert Path(run.root / "decisions.jsonl").read_bytes() == lines


def test_all_as_shown_is_accepted_and_all_gone_is_rejected(run: Run) -> None:
    judged = annotated(task(), by={"id": 4, "email": "ann@example.org"})
    assert run.take(judged).new == {"accept": 1} and run.said == {"": ("accept", None, None, None)}
    assert b"example.org" not in Path(run.root / "decisions.jsonl").read_bytes()
    again = annotated(task(), at=LATER)
    remove(again, "r0", "r1", "r2")
    run.take(again, who="ann")
    assert run.said == {"": ("reject", None, None, None)}
    assert read_decisions(run.root / "decisions.jsonl")[-1].who == "ann"
    partly = annotated(task(), at="2026-11-29T11:00:00Z")
    remove(partly, "r0")
    run.take(partly)
    assert run.said[""][0] == "none" and run.said["r0"][0] == "reject"


def test_of_several_judgements_the_latest_holds(run: Run) -> None:
    judged, second = annotated(task(), at=LATER), annotated(task())
    move(second, "r0", end=325)
    judged["annotations"] += second["annotations"]
    skipped = {**second["annotations"][0], "was_cancelled": True, "updated_at": "2027-01-01T00:00Z"}
    judged["annotations"].append(skipped)
    run.take(judged)
    assert run.said == {"": ("accept", None, None, None)}
    assert run.take(second).older == 3 and set(run.said) == {""}


def test_what_was_changed_and_then_put_back_is_taken_back(run: Run) -> None:
    judged = annotated(task())
    move(judged, "r0", end=325)
    run.take(judged)
    assert run.said["r0"][0] == "change"
    run.take(annotated(task(), at=LATER))
    assert run.said["r0"][0] == run.said[""][0] == "accept"


def test_a_change_that_was_shown_is_kept_where_more_is_changed(run: Run) -> None:
    change = Decision(sample_id=SAMPLE, decision="change", rid="r0", end_s=13, text="New.")
    file = Path(run.root / "decisions.jsonl")
    file.write_text(change.model_dump_json() + "\n", encoding="utf-8")
    first, *others = dialogue(0, plain).responses
    seen = first.model_copy(update={"end_s": 13.0, "text": "New."})
    judged = annotated(task(responses=[seen, *others]))
    run.take(judged)
    untouched = run.said
    assert untouched["r0"] == ("change", None, 13.0, "New."), "it stays"
    more = annotated(task(responses=[seen, *others]), at=LATER)
    move(more, "r0", start=226)
    run.take(more)
    assert run.said["r0"] == ("change", 9.0, 13.0, "New.")


def test_an_instant_moves_to_the_first_frame_of_its_region(run: Run) -> None:
    first, *others = dialogue(0, plain).responses
    instant = first.model_copy(update={"kind": "instant", "start_s": 12.0})
    judged = annotated(task(responses=[instant, *others]))
    assert results(judged)[0]["value"]["ranges"] == [{"start": 301, "end": 301}]
    move(judged, "r0", start=276, end=310)
    run.take(judged)
    assert run.said["r0"] == ("change", 11.0, None, None)


def test_new_regions_are_annotations_by_people(run: Run) -> None:
    judged = annotated(task(clip_start_s=1.0))
    draw(judged, "new", 51, 100, "A dog barks.")
    draw(judged, "mute", 51, 100)
    taken = run.take(judged)
    assert taken.annotations == 1
    assert taken.problems == {"a region without a text, new": 1}
    (added,) = run.added
    assert (added["start_s"], added["end_s"], added["text"]) == (1.0, 3.0, "A dog barks.")
    assert (added["origin"], added["annotator"]) == ("human", f"label_studio:3@{added['at']}")
    assert (added["name"], added["clip_start_s"], added["clip_end_s"]) == ("video-000000", 1, 61)
    assert run.take(judged).annotations == 0 and run.added == [added]
    gone = annotated(task(), at=LATER)
    run.take(gone)
    assert run.added == []
    run.take(judged)
    assert run.added == [added], "nothing later is there about it"


def test_a_span_in_a_negative_turns_it_down(run: Run) -> None:
    silent: Any = {"is_negative": True, "responses": []}
    run.take(annotated(task(**silent)))
    assert run.said[""][0] == "accept"
    judged = annotated(task(**silent), at=LATER)
    draw(judged, "new", 51, 100)
    assert run.take(judged).problems
    assert run.said[""][0] == "accept", "what cannot be read decides nothing"
    draw(judged, "other", 51, 100, "It does occur.")
    run.take(judged)
    assert run.said[""][0] == "reject"


def test_a_region_with_another_id_is_known_by_what_it_carries(run: Run) -> None:
    judged = annotated(task())
    for each in results(judged):
        each["id"] = each["id"].replace("r1", "xYz")
    run.take(judged)
    assert run.said == {"": ("accept", None, None, None)} and run.added == []
