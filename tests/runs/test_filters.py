"""A teacher that errs on purpose: its errors are those that it is set to, and the filters catch
them (``benchmarks/filters.py`` in short)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import cv2
import pytest

from benchmarks.erring_runs import Bench, Trial
from benchmarks.filters import wilson
from benchmarks.many_scenes import marked, number_in, scene_of, truth_about
from benchmarks.teacher_answers import held_by, true_tracks
from benchmarks.teacher_errors import (
    FOREIGN,
    RIGHT,
    SLIGHT,
    SPANS,
    TIMES,
    Errors,
    all_stated,
    stated_tracks,
)
from pipeline.media.scenes.render import _pictures
from pipeline.records.spans import iou

SCENES = range(60)
SPOILT = Errors(seed=3, spoilt=0.6, slight=0.2, jitter_s=0.5)


def test_events_are_spoilt_as_they_are_said_to_be() -> None:
    kinds: Counter[str] = Counter()
    for scene in SCENES:
        true = {e.caption: (e.start_s, e.end_s) for e in truth_about(scene, SPOILT.seed).events}
        for stated in all_stated(scene, SPOILT):
            kinds[stated.kind] += 1
            assert (stated.caption in true) == (stated.kind not in ("invented", "misdescribed"))
            assert 0 <= stated.start_s < stated.end_s <= truth_about(scene, SPOILT.seed).duration_s
            if stated.caption in true:
                overlap = iou((stated.start_s, stated.end_s), true[stated.caption])
                assert overlap == pytest.approx(stated.true_iou, abs=0.01)
                assert (overlap < 0.31) == (stated.kind in ("moved", "stretched"))
    assert kinds.keys() == {RIGHT, SLIGHT, *SPANS}
    assert all(count > 10 for count in kinds.values())
    # Nothing is drawn anew: who asks twice hears the same.
    assert [*all_stated(1, SPOILT)] == [*all_stated(1, Errors.named(SPOILT.name))]


def test_times_and_values_are_spoilt_as_they_are_said_to_be() -> None:
    kinds: Counter[str] = Counter()
    for scene in SCENES:
        true = {(t.aspect, t.subject): t.moments for t in true_tracks(scene, SPOILT.seed)}
        for stated in stated_tracks(scene, SPOILT):
            kinds[stated.kind] += 1
            moments = true[stated.aspect, stated.subject]
            off = [(a, b) for a, b in zip(stated.moments, moments, strict=True) if a != b]
            assert len(off) == (stated.kind != RIGHT)
            for (stated_s, said), (time_s, value) in off:
                assert (said != value) == (stated.kind == "wrong value")
                way = {"early": -1, "late": 1}.get(stated.kind)
                shift_s = (stated_s - time_s) * (way or 1)
                assert shift_s > 1.9 if way else abs(shift_s) < 2.1
    assert kinds.keys() == {RIGHT, SLIGHT, *TIMES}


def test_a_frame_says_which_scene_it_is_of() -> None:
    for number in (0, 1, 77, 1023):
        picture = next(_pictures(marked(scene_of(number, 0), number)))
        small = cv2.resize(picture, (192, 108))
        assert number_in(cv2.imencode(".jpg", small)[1].tobytes()) == number


def test_a_question_is_answered_as_its_track_has_it() -> None:
    (track,) = (t for t in true_tracks(0, 0) if t.aspect == "scene")
    for time_s, value in track.moments:
        assert held_by("What scene background?", [track], time_s) == value
        assert held_by(f"Is scene background, is it {value}?", [track], time_s) == "yes"
    assert held_by("What colour is it?", [track], 0) == ""


def test_intervals() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(95, 100) == pytest.approx((0.888, 0.978), abs=0.001)
    assert wilson(0, 50) == pytest.approx((0, 0.071), abs=0.001)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"), scenes=4, seed=2)
    yield made
    made.close()


@pytest.mark.faults
def test_each_kind_of_error_is_caught_and_what_is_right_is_kept(bench: Bench) -> None:
    right = bench.items(Trial(Errors(seed=2)))
    assert len(right) > 30 and all(item.kept and item.kind == RIGHT for item in right)
    items = bench.items(Trial(Errors(seed=2, spoilt=0.75)))
    assert {item.kind for item in items} == {RIGHT, *SPANS, *TIMES}
    assert [item for item in items if item.kept != (item.kind == RIGHT)] == []


@pytest.mark.faults
def test_a_checker_that_believes_the_writer_catches_nothing(bench: Bench) -> None:
    items = bench.items(Trial(Errors(seed=2, spoilt=0.75, follows=1.0)))
    assert all(item.kept for item in items)


@pytest.mark.faults
def test_captions_in_another_script_are_refused(bench: Bench) -> None:
    items = bench.items(Trial(Errors(seed=2, foreign=0.5)))
    assert {item.kind for item in items} == {RIGHT, FOREIGN}
    assert not any(item.kept for item in items if item.kind == FOREIGN)


@pytest.mark.faults
def test_captions_asked_about_together_are_as_right_as_alone(bench: Bench) -> None:
    """Also where a checker leaves some out; where it takes one for another, that is seen."""
    several = {"nodes.ground.stage": "ground_many", "nodes.ground.config.captions_per_ask": 3}
    for errors in (Errors(seed=2, spoilt=0.75), Errors(seed=2, spoilt=0.75, left_out=0.3)):
        items = bench.items(Trial(errors, settings=several), questions=False)
        assert len(items) > 15
        assert [item for item in items if item.kept != (item.kind == RIGHT)] == []
    items = bench.items(Trial(Errors(seed=2, exchanged=0.9), settings=several), questions=False)
    assert not all(item.kept for item in items)
