from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import (
    Annotation,
    Candidate,
    Event,
    FramedSegment,
    GroundedEvent,
    Provenance,
    Reject,
    Video,
)
from pipeline.workflow.stage import Context
from stages import absent, ground

Kind = Literal["other_event", "near_miss", "planted"]
SHARD: list[tuple[str, Kind]] = [
    ("a dog runs", "planted"),
    ("a cat jumps", "planted"),
    ("a cup falls", "other_event"),
    ("a dog flies", "near_miss"),
]


@pytest.fixture
def judged(
    provenance: Provenance,
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
    asking: Callable[..., Any],
) -> Callable[..., list[Any]]:
    """``judged(found, candidates, samples)``: what becomes of candidates in one video, of which the
    verifier finds those of ``found``; an answer to each may be a list, one a sample."""

    def run(
        finds: Callable[[str], Any],
        candidates: list[tuple[str, Kind]] = SHARD,
        config: absent.Config | None = None,
        **asked: Any,
    ) -> list[Any]:
        rows = [
            Candidate(
                video_id="v", event_id=f"e{i}", family="event", caption=text, start_s=2, end_s=5,
                provenance=provenance if kind == "near_miss" else None,
                kind=kind, parent_id=f"a{i}", calls=[provenance],
            )
            for i, (text, kind) in enumerate(candidates)
        ]  # fmt: skip
        context, _ = asking("ground", lambda ask: finds(ask.variables["caption"]))
        shown = video_rows({Event: rows, FramedSegment: framed(10)})
        located = list(ground.STAGE.run([shown], ground.Config(**asked), context))
        found = [row for row in located if isinstance(row, GroundedEvent)]
        kinds = video_rows({Candidate: rows, GroundedEvent: found})
        return list(absent.STAGE.run([kinds], config or absent.Config(), Context()))

    return run


def span(*known: str) -> Callable[[str], Any]:
    return lambda text: {"seen": "this", "found": text in known, "start_s": 1, "end_s": 4}


def reasons(rows: list[Any]) -> list[str]:
    return sorted(row.reason for row in rows if isinstance(row, Reject))


def test_what_is_denied_becomes_a_question_without_an_answer(judged: Any) -> None:
    rows = judged(span("a dog runs", "a cat jumps"))
    made = [row for row in rows if isinstance(row, Annotation)]
    assert [(row.questions[0].text, row.aspect) for row in made] == [
        ("a cup falls", "other_event"),
        ("a dog flies", "near_miss"),
    ]
    for row in made:
        assert row.is_negative and row.task == "event_grounding" and not row.responses
        assert [(c.name, c.passed, c.score) for c in row.checks] == [
            ("absent", True, 1.0),
            ("planted_found", True, 1.0),
        ]
        assert row.provenance[-1].stage == "ground"
    assert len(made[1].provenance) == 1 + len(made[0].provenance), "the call of the editor"
    assert len({row.annotation_id for row in made}) == 2
    assert reasons(rows) == ["planted", "planted"]


def test_what_is_there_is_no_negative(judged: Any) -> None:
    rows = judged(span("a dog runs", "a cat jumps", "a cup falls"))
    assert reasons(rows) == ["not_absent", "planted", "planted"]


def test_a_verifier_that_always_says_absent_is_caught(judged: Any) -> None:
    rows = judged(lambda text: {"seen": "that", "found": False})
    assert not [row for row in rows if isinstance(row, Annotation)]
    assert reasons(rows) == ["denies_real_events"] * 2 + ["planted_denied"] * 2
    half = judged(span("a dog runs"))
    assert reasons(half) == ["denies_real_events"] * 2 + ["planted", "planted_denied"]
    borne = judged(span("a dog runs"), config=absent.Config(max_denied=0.5))
    assert reasons(borne) == ["planted", "planted_denied"], "a setting says how much is borne"


def test_without_a_planted_event_nobody_is_believed(judged: Any) -> None:
    rows = judged(lambda text: {"seen": "that", "found": False}, [("a cup falls", "other_event")])
    assert reasons(rows) == ["untested"]


def test_an_impossible_span_and_a_missing_answer_deny_nothing(judged: Any) -> None:
    def answer(text: str) -> Any:
        if text in ("a dog runs", "a cat jumps"):
            return {"seen": "this", "found": True, "start_s": 1, "end_s": 4}
        return (
            {"seen": "x", "found": True, "start_s": 9, "end_s": 2}
            if text == "a cup falls"
            else "nothing"
        )

    assert reasons(judged(answer)) == ["not_absent", "planted", "planted", "unanswered"]


def test_one_wording_makes_one_negative(judged: Any) -> None:
    twice: list[tuple[str, Kind]] = [*SHARD, ("A dog flies.", "other_event")]
    rows = judged(span("a dog runs", "a cat jumps"), twice)
    assert reasons(rows) == ["duplicate_question", "planted", "planted"]


def test_its_dialogue_is_silent_to_the_end(judged: Any, video: Callable[..., Video]) -> None:
    rows = judged(span("a dog runs", "a cat jumps"))
    negative = next(row for row in rows if isinstance(row, Annotation))
    (dialogue,), refused = build_dialogues(video(), even_tiling("v", 10, 1), [negative], "s")
    assert dialogue.is_negative and not refused and not dialogue.responses
    assert [turn.state for turn in dialogue.turns] == ["silence"] * 10
    assert dialogue.turns[0].question == negative.questions[0].text
    assert dialogue.questions[0].is_negative
