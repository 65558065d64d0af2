"""Every measure on cases worked out by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pipeline.records.turns import RESPONSE, SILENCE, STANDBY
from pipeline.scoring.item import Expected, Item, Said
from pipeline.scoring.registry import find_measure, measure_names, settings_of
from pipeline.scoring.text_scores import TEXT_SCORES
from tests.pipeline.scoring.conftest import item

A5_B10 = ((5.0, "a"), (10.0, "b"))


def values(name: str, *items: Item, text: str = "option", **settings: Any) -> dict[str, Any]:
    measure, sums = find_measure(name), Counter[str]()
    for each in items:
        sums.update(measure.count(each, TEXT_SCORES[text][1], settings_of(name, settings)))
    return dict(measure.values(sums))


def grounding(*spans: tuple[float, float], said: tuple[tuple[float, float], ...] = ()) -> Item:
    return replace(
        item(task="event_grounding"),
        expected=tuple(Expected("now", end_s, None, (start_s, end_s)) for start_s, end_s in spans),
        said=tuple(Said(end_s, "now", (start_s, end_s)) for start_s, end_s in said),
    )


CASES: list[tuple[str, str, float | None, tuple[Item, ...], dict[str, Any]]] = [
    # OVO-Timing: recall and precision by question, then means, then F1.
    ("ovo_timing", "F1", 1.0, (item(A5_B10, A5_B10),), {}),
    ("ovo_timing", "F1", 1.0, (item(A5_B10, ((7.0, "x"), (8.0, "y"))),), {}),
    ("ovo_timing", "recall", 0.5, (item(A5_B10, ((7.0, "x"), (13.0, "y"))),), {}),
    # one answer serves one expected answer, and a third is none: recall 1, precision 2/3
    ("ovo_timing", "precision", 2 / 3, (item(A5_B10, ((5.0, ""), (10.0, ""), (11.0, ""))),), {}),
    ("ovo_timing", "recall", 0.5, (item(((5.0, "a"), (6.0, "b")), ((5.0, "a"),)),), {}),
    # means of (1, 0) are 1/2, and so is their F1
    ("ovo_timing", "F1", 0.5, (item(A5_B10, A5_B10), item(A5_B10)), {}),
    ("ovo_timing", "F1", None, (item(said=((5.0, "a"),)),), {}),
    ("ovo_timing", "F1", 0.0, (item(((5.0, "a"),), ((8.0, "a"),)),), {"tolerance_s": 2}),
    ("ovo_timing", "F1", 1.0, (item(((5.0, "a"),), ((8.0, "a"),)),), {"tolerance_s": 3}),
    # OVO-Bench forward: at 4, 7, 9 and 12 s there must be 0, 1, 1 and 2 answers.
    ("ovo_forward", "accuracy", 1.0, (item(A5_B10, A5_B10),), {}),
    ("ovo_forward", "accuracy", 0.25, (item(A5_B10),), {}),
    ("ovo_forward", "accuracy", 0.75, (item(A5_B10, ((4.0, "a"), (10.0, "b"))),), {}),
    ("ovo_forward", "accuracy", 0.75, (item(A5_B10, ((5.0, "a"),)),), {}),
    ("ovo_forward", "accuracy", 0.75, (item(A5_B10, ((5.0, "a"), (13.0, "b"))),), {}),
    ("ovo_forward", "accuracy", None, (item(A5_B10, A5_B10, direction="present"),), {}),
    # SW-F1: 2 TP / (2 TP + 0.2 FP + 2 FN), windows of 5 s.
    ("sw_f1", "SW-F1", 1.0, (item(A5_B10, A5_B10),), {}),
    ("sw_f1", "SW-F1", 2 / 4, (item(A5_B10, ((5.0, "a"),)),), {}),
    ("sw_f1", "SW-F1", 4 / 4.2, (item(A5_B10, (*A5_B10, (2.0, "a"))),), {}),
    # a wrong text inside a window is no FP, and no TP
    ("sw_f1", "SW-F1", 2 / 4, (item(A5_B10, ((5.0, "x"), (10.0, "b"))),), {}),
    # early is outside: 0 / (0 + 0.2 + 2)
    ("sw_f1", "SW-F1", 0.0, (item(((5.0, "a"),), ((4.0, "a"),)),), {}),
    ("sw_f1", "SW-F1", 1.0, (item(((5.0, "a"),), ((10.0, "a"),)),), {}),
    ("sw_f1", "SW-F1", 0.0, (item(((5.0, "a"),), ((11.0, "a"),)),), {}),
    ("sw_f1", "SW-F1", None, (item(),), {}),
    ("sw_f1", "SW-F1", 0.0, (item(said=((4.0, "a"),)),), {}),
    # RealStreamEval
    ("real_stream_eval", "score", 1.0, (item(A5_B10, A5_B10),), {}),
    ("real_stream_eval", "score", 0.5, (item(A5_B10, ((5.0, "a"), (10.0, "x"))),), {}),
    ("real_stream_eval", "score", 0.0, (item(A5_B10),), {}),
    # 8 of 20 turns answered: R = 0.4, M = 1 - 0.2 * 2
    (
        "real_stream_eval", "score", 0.6,
        (item(((5.0, "a"),), tuple((float(t), "a") for t in range(5, 13))),), {},
    ),
    # 7 of 20: below 0.4
    (
        "real_stream_eval", "score", 1.0,
        (item(((5.0, "a"),), tuple((float(t), "a") for t in range(5, 12))),), {},
    ),
    # all turns answered: M = 0.2, and the first is before the evidence: - 0.1
    (
        "real_stream_eval", "score", 0.1,
        (item(((5.0, "a"),), tuple((float(t), "a") for t in range(20))),), {},
    ),
    # repeated, of a question whose answer is on screen
    (
        "real_stream_eval", "score", 0.5,
        (item(((5.0, "a"),), ((5.0, "a"), (6.0, "A.")), direction="present"),), {},
    ),
    ("real_stream_eval", "score", 0.0, (item(((5.0, "a"),), ((6.0, "a"),)),), {}),
    ("real_stream_eval", "score", 1.0, (item(((5.0, "a"),), ((6.0, "a"),)),), {"delta_s": 1}),
    ("real_stream_eval", "forward", None, (item(A5_B10, A5_B10, direction="backward"),), {}),
    # Streamo-Bench
    ("streamo_bench", "accuracy", 1.0, (item(A5_B10, ((8.0, "a"), (7.0, "b"))),), {}),
    ("streamo_bench", "accuracy", 0.5, (item(A5_B10, ((9.0, "a"), (7.0, "b"))),), {}),
    # of 3 answers one is hit: 1/3; of 2 questions the shares are 1 and 0: 1/2
    ("streamo_bench", "accuracy", 1 / 3, (item(((5.0, "a"),), ((5.0, "a"),)), item(A5_B10)), {}),
    ("streamo_bench", "recall", 1 / 2, (item(((5.0, "a"),), ((5.0, "a"),)), item(A5_B10)), {}),
    ("streamo_bench", "mIoU", 1.0, (grounding((2, 6), said=((2, 6),)),), {}),
    ("streamo_bench", "mIoU", 0.5, (grounding((2, 6), said=((4, 6),)),), {}),
    ("streamo_bench", "mIoU", 0.25, (grounding((2, 6), (8, 12), said=((2, 4),)),), {}),
    ("streamo_bench", "mIoU", 0.0, (grounding((2, 6)),), {}),
    ("streamo_bench", "mIoU", None, (item(A5_B10, A5_B10),), {}),
    # StreamPro-F1, tau = 4
    ("streampro_f1", "F1", 1.0, (item(A5_B10, A5_B10),), {}),
    ("streampro_f1", "F1", 0.75, (item(A5_B10, ((6.0, "a"), (11.0, "b"))),), {}),
    # late by 2 and by 4: (0.5 + 0) / 2
    ("streampro_f1", "F1", 0.25, (item(A5_B10, ((7.0, "a"), (14.0, "b"))),), {}),
    # P = 1/2, R = 1
    ("streampro_f1", "F1", 2 / 3, (item(((5.0, "a"),), ((5.0, "a"), (6.0, "a"))),), {}),
    ("streampro_f1", "F1", 0.0, (item(A5_B10),), {}),
    (
        "streampro_f1", "precision", 0.5,
        (item(((5.0, "a"),), ((5.0, "a"),)), item(said=((3.0, "a"),))), {},
    ),
    ("streampro_f1", "F1", 0.5, (item(((5.0, "a"),), ((4.0, "a"),)),), {"early_s": 2}),
    # states: of 4 turns S W R S, predicted S R R S: F1 1, 0, 2/3, mean 5/9
    (
        "state_f1", "macro-F1", 5 / 9,
        (item(end_s=4, states=bytes([SILENCE, STANDBY, RESPONSE, SILENCE]),
              said_states=bytes([SILENCE, RESPONSE, RESPONSE, SILENCE])),), {},
    ),
    ("state_f1", "macro-F1", 1.0, (item(A5_B10, A5_B10),), {}),
    ("state_f1", "standby", None, (item(A5_B10, A5_B10),), {}),
    # silent throughout: silence 2 * 18 / 38, response 0
    ("state_f1", "macro-F1", 36 / 38 / 2, (item(A5_B10),), {}),
    ("state_f1", "macro-F1", None, (item(A5_B10, said_states=b""),), {}),
    # two at the wrong place: of 20 turns 16 are silence twice, none is a response twice
    ("state_f1", "silence", 32 / 36, (item(A5_B10, ((1.0, ""), (2.0, ""))),), {}),
    # false alarms: 3 in 20 s are 9 a minute
    ("false_alarms", "a minute", 9.0, (item(said=tuple((float(t), "a") for t in (1, 2, 9))),), {}),
    ("false_alarms", "a minute", 0.0, (item(),), {}),
    ("false_alarms", "a minute", 1.5, (item(said=((1.0, "a"),)), item()), {}),
    ("false_alarms", "silent questions", 0.5, (item(said=((1.0, "a"),)), item()), {}),
    ("false_alarms", "a minute", None, (item(A5_B10),), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "expected", "items", "settings"),
    CASES,
    ids=[f"{name}-{value}-{place}" for place, (name, value, *_) in enumerate(CASES)],
)
def test_by_hand(
    name: str, value: str, expected: float | None, items: tuple[Item, ...], settings: dict[str, Any]
) -> None:
    found = values(name, *items, **settings)[value]
    assert found == (None if expected is None else pytest.approx(expected))


def test_every_measure_has_five_cases() -> None:
    counts = Counter(name for name, *_ in CASES)
    assert {name: counts[name] >= 5 for name in measure_names()} == dict.fromkeys(counts, True)


def test_an_answer_that_stops_being_true_closes_its_window() -> None:
    due = (Expected("a", 5.0, 7.0, (5.0, 5.0)),)

    def found(time_s: float) -> int:
        said = (Said(time_s, "a", (time_s, time_s)),)
        return int(values("sw_f1", replace(item(), expected=due, said=said))["TP"])

    assert (found(7.0), found(8.0)) == (1, 0)
