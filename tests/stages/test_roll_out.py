"""Causal roll-outs: what they are shown, in which order they answer, and that a leak is caught."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import (
    Annotation,
    Dialogue,
    FramedSegment,
    PieceRelevance,
    Reject,
    RolledOut,
    Segment,
    Video,
)
from stages import roll_out, trajectory
from stages._asking import prefix
from tests.stages.matrices import asked, matrix

Made = Callable[..., Any]
BOTH = {"q0": (0, 2, 3), "q1": (0, 3, 5)}


@pytest.fixture
def made(
    asking: Callable[..., Any],
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
) -> Made:
    def run(
        relevant: Mapping[str, Sequence[int]], reply: Any, turns: int = 12, **config: Any
    ) -> Any:
        context, engine = asking("roll_out", reply)
        scores = config.pop("scores", None)
        rows = matrix("a", -(-turns // 2), relevant, scores)
        questions = asked(*(f"Question {qid}?" for qid in relevant))
        kinds = {Annotation: [questions], PieceRelevance: rows, FramedSegment: framed(turns)}
        settings = roll_out.Config(**config)
        return list(roll_out.STAGE.run([video_rows(kinds)], settings, context)), engine

    return run


def latest(ask: Any) -> Any:
    """An engine that would tell: it answers with the latest time that it was shown."""
    return {"seen": "It.", "answer": f"{max(frame.time_s for frame in ask.frames)} s"}


def said(rows: Sequence[Any]) -> list[tuple[float, str, str]]:
    return [(row.time_s, row.qid, row.outcome) for row in rows if isinstance(row, RolledOut)]


def leaks(dialogue: Dialogue) -> list[str]:
    """The responses that tell of a time after the frame of the turn in which they stand."""
    frames = dialogue.turns.frames
    return [
        response.text
        for response in dialogue.responses
        if float(response.text.removesuffix(" s")) > frames[response.turn]
    ]


def dialogue_of(
    rows: Sequence[RolledOut],
    relevant: Mapping[str, Sequence[int]],
    video: Video,
    video_rows: Callable[..., Any],
    segments: Sequence[Segment],
) -> Dialogue:
    """The dialogue of a roll-out."""
    questions = asked(*(f"Question {qid}?" for qid in relevant))
    kinds: dict[Any, Any] = {Annotation: [questions], RolledOut: rows}
    kinds |= {PieceRelevance: matrix("a", -(-len(segments) // 2), relevant)}
    (annotation,) = trajectory.run(video_rows(kinds), trajectory.Config(), None)  # type: ignore[arg-type]
    assert isinstance(annotation, Annotation)
    ((dialogue,), refused) = build_dialogues(video, tiling_of("v", segments), [annotation], "s")
    assert not refused
    return dialogue


def test_a_roll_out_sees_the_prefix_alone_and_a_planted_leak_is_caught(
    made: Made,
    video: Callable[..., Video],
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    relevant = {"q0": range(60), "q1": range(30, 60)}
    turns, whole = 120, video(duration_s=120.0)
    segments = framed(turns)
    for most in (64, 20, 3):  # all frames, and some of a grid with the latest
        rows, engine = made(relevant, latest, turns, max_frames=most)
        until = {row.time_s for row in rows}
        for ask in engine.asks:
            times = [frame.time_s for frame in ask.frames]
            assert len(times) <= most and times == sorted(times) and times[-1] in until
            assert all(str(float(later)) not in ask.text for later in range(int(times[-1]) + 1, 99))
        assert leaks(dialogue_of(rows, relevant, whole, video_rows, segments)) == []
    monkeypatch.setattr(roll_out, "prefix", lambda video, n, *most: prefix(video, n + 1, *most))
    rows, _ = made(relevant, latest, turns)
    # Who lets a roll-out see one frame more, and stamps it with the time of its piece, is caught.
    stamped = [row.model_copy(update={"time_s": 2.0 * row.piece + 1}) for row in rows]
    caught = leaks(dialogue_of(stamped, relevant, whole, video_rows, segments))
    assert len(caught) == len(stamped) - 1, "all but the one that has no later frame to tell of"


def test_the_earliest_question_without_an_answer_comes_first(made: Made) -> None:
    rows, engine = made(BOTH, latest)
    assert said(rows) == [
        (1, "q0", "said"),
        (5, "q0", "said"),
        (7, "q1", "said"),
        (11, "q1", "said"),
    ]
    assert [ask.variables["question"] for ask in engine.asks[::2]] == ["Question q0?"] * 1 + [
        "Question q1?"
    ]


def test_the_most_relevant_question_may_come_first(made: Made) -> None:
    scores = {"q0": 0.6, "q1": 0.9}
    rows, _ = made(BOTH, latest, scores=scores, pick="most_relevant")
    assert said(rows)[:2] == [(1, "q1", "said"), (5, "q0", "said")]


def test_one_that_was_tried_in_vain_goes_behind_the_others(made: Made) -> None:
    def unseen(ask: Any) -> Any:
        unknown = ask.variables["question"] == "Question q0?"
        return {"seen": "It.", "answer": "Unknown." if unknown else "Yes."}

    rows, _ = made({"q0": (0, 1, 2), "q1": (0, 1, 2)}, unseen)
    assert said(rows) == [(1, "q0", "unknown"), (3, "q1", "said"), (5, "q0", "unknown")]


@pytest.mark.parametrize(
    ("again", "outcomes"),
    [
        ("changed", ["said", "unchanged", "unchanged"]),
        ("always", ["said", "said", "said"]),
        ("never", ["said"]),
    ],
)
def test_what_was_said_is_said_again_as_the_setting_has_it(
    made: Made, again: str, outcomes: list[str]
) -> None:
    rows, engine = made({"q0": (0, 2, 4)}, lambda _: {"seen": "It.", "answer": "Red."}, again=again)
    assert [outcome for *_, outcome in said(rows)] == outcomes
    shown = [len(ask.variables["earlier"]) for ask in engine.asks]
    assert shown == [outcomes[:n].count("said") for n in range(len(outcomes))]


def test_only_the_latest_answers_are_shown(made: Made) -> None:
    _, engine = made({"q0": range(6)}, latest, earlier_answers=2)
    assert [each["time_s"] for each in engine.asks[-1].variables["earlier"]] == [7, 9]
    _, engine = made({"q0": range(6)}, latest, earlier_answers=0)
    assert not any(ask.variables["earlier"] for ask in engine.asks)


def test_an_ask_without_an_answer_ends_the_roll_out_and_is_seen_to(made: Made) -> None:
    rows, engine = made(BOTH, lambda ask: latest(ask) if len(ask.frames) < 4 else "no answer")
    assert said(rows) == [(1, "q0", "said"), (5, "q0", "failed")] and len(engine.asks) == 2
    assert [row.reason for row in rows if isinstance(row, Reject)] == ["no_valid_answer"]


def test_where_nothing_is_relevant_nobody_is_asked(made: Made) -> None:
    ((row,), engine) = made({"q0": ()}, latest)
    assert isinstance(row, Reject) and row.reason == "never_relevant" and not engine.asks


def test_a_matrix_with_a_hole_is_refused(
    video_rows: Callable[..., Any], framed: Callable[..., list[FramedSegment]]
) -> None:
    for hole in (0, 2, 4):
        rows = [row for row in matrix("a", 5) if row.index != hole]
        kinds = {Annotation: [asked("Who?")], PieceRelevance: rows, FramedSegment: framed(10)}
        (row,) = roll_out.cases(video_rows(kinds), roll_out.Config())
        assert isinstance(row, Reject) and row.reason == "unjudged_piece"


def test_a_roll_out_of_hours_is_no_deep_call(made: Made) -> None:
    rows, _ = made({"q0": range(1000)}, latest, 2000, max_frames=4)
    assert [row.piece for row in rows] == [*range(1000)]
